#!/usr/bin/env bash
# Makes the secrets of production.yml that can be made, once; those that others give you are made empty, for you to fill.
# What is there stays as it is. The folder is closed to others; the files are readable, because the containers read
# them as users of their own.
set -euo pipefail
folder="${1:-$(dirname "$0")/secrets}"
mkdir -p "$folder"
chmod 0700 "$folder"
random() { openssl rand -base64 36 | tr -d '\n/+='; }
put() {
  [ -e "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"
  chmod 0644 "$folder/$1"
}
for name in postgres_password key_pepper metrics_token dashboard_key grafana_password; do put "$name" "$(random)"; done
put database_url "postgres://signalbox:$(cat "$folder/postgres_password")@postgres:5432/signalbox"
for name in slack_webhook_url pagerduty_key; do put "$name" ''; done
for name in slack_webhook_url pagerduty_key; do
  [ -s "$folder/$name" ] || echo "empty, fill it in if you use it: $folder/$name"
done
echo "the dashboard's key is in $folder/dashboard_key, Grafana's password (user admin) in $folder/grafana_password"
