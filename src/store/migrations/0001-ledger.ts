import { tiers } from '../rollup-tiers.ts'

/** A text key is '' where the ledger has null, because a primary key knows no null. */
const rollups = tiers
  .map(
    ({ name }) => `
-- Sums of the ledger by ${name} (UTC). Written in the transaction of the batch, so they always add up to it.
CREATE TABLE rollup_${name} (
  bucket timestamptz NOT NULL,
  domain text NOT NULL,
  account_id text NOT NULL,
  key_id text NOT NULL,
  provider text NOT NULL,
  -- the model that answered, else the one that a provider was asked for
  model text NOT NULL,
  endpoint text NOT NULL,
  status_code integer NOT NULL,
  outcome text NOT NULL,
  error_type text NOT NULL,
  source text NOT NULL CHECK (source IN ('wire', 'import')),
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_usd numeric(28, 9) NOT NULL,
  PRIMARY KEY (bucket, domain, account_id, key_id, provider, model, endpoint, status_code, outcome, error_type,
    source)
) WITH (fillfactor = 70);
-- How long calls took, as counts in sparse logarithmic slots: slot = floor(64 * log2(milliseconds)). Of the wire alone:
-- nobody timed what was imported.
CREATE TABLE latency_${name} (
  bucket timestamptz NOT NULL,
  domain text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('total', 'ttft')),
  slot smallint NOT NULL,
  requests bigint NOT NULL,
  PRIMARY KEY (bucket, domain, provider, model, kind, slot)
) WITH (fillfactor = 70);`,
  )
  .join('\n')

/** The ledger, its rollups, samples of the limits of each account, and the client keys. */
export const sql = `
-- One wide, immutable row an exchange, by month (UTC). Never updated, never DELETEd: old partitions are dropped.
-- The eight-byte columns stand first, so that no row carries padding.
CREATE TABLE api_requests (
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  -- milliseconds; response_time_ms is the whole exchange as the caller saw it; null where an import can not tell
  response_time_ms double precision,
  ttft_ms double precision,
  upstream_ms double precision,
  overhead_ms double precision,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  -- a subset of output_tokens; null where the provider does not tell
  reasoning_tokens bigint,
  request_bytes bigint NOT NULL,
  response_bytes bigint NOT NULL,
  status_code integer NOT NULL,
  upstream_status integer,
  attempts integer NOT NULL,
  web_search_requests integer,
  web_fetch_requests integer,
  streaming boolean NOT NULL,
  failed_after_first_byte boolean NOT NULL,
  cost_usd numeric(18, 9) NOT NULL,
  domain text NOT NULL,
  account_id text,
  key_id text,
  provider text,
  -- the model that answered; null where none did
  model text,
  requested_model text,
  endpoint text NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  outcome text NOT NULL,
  error_type text,
  error_message text,
  price_source text NOT NULL,
  usage_source text NOT NULL,
  -- wire: measured here. import: told by the records of another program; no figure counts it unless asked to
  source text NOT NULL CHECK (source IN ('wire', 'import')),
  usage_flags text[],
  stop_reason text,
  service_tier text,
  speed text,
  inference_geo text,
  session_id text,
  agent_id text,
  parent_agent_id text,
  upstream_request_id text,
  CONSTRAINT api_requests_timed CHECK (source = 'import' OR (response_time_ms IS NOT NULL AND overhead_ms IS NOT NULL)),
  -- An id is a UUID version 7 whose time is created_at, so this index also finds a row by its id alone.
  PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX api_requests_domain ON api_requests (domain, created_at);
CREATE INDEX api_requests_session ON api_requests (session_id, created_at) WHERE session_id IS NOT NULL;
-- Rows from outside the months made ahead (a clock that was far off) must not stop the recorder.
CREATE TABLE api_requests_default PARTITION OF api_requests DEFAULT;

-- Records carry three decimals, so nothing lies between 0 and 0.001. The small addition keeps powers of two, whose
-- logarithm may come out a hair too small, in the slot that begins with them.
CREATE FUNCTION latency_slot(ms double precision) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN floor(64 * ln(least(greatest(ms, 0.001), 1e9)) / ln(2::double precision) + 1e-9)::smallint;
${rollups}

-- What providers said about an account's limits, raw: the headers are undocumented and drift. At most one sample an
-- account in ten seconds, the newest of them.
CREATE TABLE rate_limit_samples (
  account_id text NOT NULL,
  -- observed_at, rounded down to ten seconds
  slot_start timestamptz NOT NULL,
  observed_at timestamptz NOT NULL,
  exchange_id uuid NOT NULL,
  headers jsonb NOT NULL,
  PRIMARY KEY (account_id, slot_start)
);

-- Keys of callers. The key itself is nowhere: hash is hex HMAC-SHA256 under a pepper kept outside the database.
CREATE TABLE client_keys (
  id text PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  domain text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
`
