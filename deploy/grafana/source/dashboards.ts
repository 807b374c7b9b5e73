/** All dashboards that ship: the five topics of the monitoring guide, providers, resources, and the guide's own examples. */
import type { Dashboard } from './dashboard.ts'
import { graph, list, quantiles, rate, stat } from './panels.ts'

const faults = 'outcome=~"provider_error|gateway_error|interrupted"'
const judged = 'outcome=~"ok|provider_error|gateway_error|interrupted"'
const noQuota = 'Only providers that announce limits have them.'

const traffic: Dashboard = {
  uid: 'signalbox-traffic',
  title: 'Signalbox: requests and latency',
  description: 'How many calls, how long they wait, and for whom.',
  panels: [
    stat('Up', 'bool_on_off', 'min(up{job="ccproxy"})'),
    stat('Requests', 'reqps', rate('signalbox_requests_total')),
    stat('Calls in flight', 'short', 'sum(signalbox_in_flight_requests)'),
    stat('Open streams', 'short', 'sum(signalbox_open_streams)'),
    graph(
      'Requests by outcome',
      'reqps',
      [{ expr: rate('signalbox_requests_total', 'outcome'), legend: '{{outcome}}' }],
      { stacked: true },
    ),
    graph(
      'Requests by domain',
      'reqps',
      [{ expr: rate('claude_proxy_requests_total', 'domain'), legend: '{{domain}}' }],
      { stacked: true },
    ),
    graph('Time to the first token', 's', quantiles('signalbox_time_to_first_token_seconds')),
    graph('Whole answers', 's', quantiles('signalbox_request_duration_seconds', '{endpoint="messages"}'), {
      description: 'To the end of the stream: long answers are no fault.',
    }),
    graph('First token by model, p95', 's', quantiles('signalbox_time_to_first_token_seconds', '', 'model', [0.95])),
    graph('The gateway’s own share', 's', quantiles('signalbox_overhead_seconds', '{phase="total"}')),
    graph('HTTP requests by route', 'reqps', [{ expr: rate('http_requests_total', 'route'), legend: '{{route}}' }]),
    graph('Longest silence of an open stream', 's', [
      { expr: 'max by (instance) (signalbox_stream_oldest_idle_seconds)', legend: '{{instance}}' },
    ]),
  ],
}

const tokens: Dashboard = {
  uid: 'signalbox-tokens',
  title: 'Signalbox: tokens',
  description: 'Tokens in five disjoint buckets, the cache, and the windows of accounts.',
  panels: [
    stat('Tokens a second', 'short', rate('signalbox_tokens_total')),
    stat('Tokens, last hour', 'short', 'sum(increase(signalbox_tokens_total[1h]))'),
    stat(
      'Served by caches',
      'percentunit',
      `${rate('signalbox_tokens_total{type="cache_read"}')} / ${rate('signalbox_tokens_total{type!="output"}')}`,
      {
        description: 'Share of the prompt tokens that a cache served.',
      },
    ),
    stat('Not fully reported', 'reqps', rate('signalbox_estimated_usage_requests_total')),
    graph('Tokens by type', 'short', [{ expr: rate('claude_proxy_tokens_total', 'type'), legend: '{{type}}' }], {
      stacked: true,
    }),
    graph('Tokens by model', 'short', [{ expr: rate('signalbox_tokens_total', 'model'), legend: '{{model}}' }], {
      stacked: true,
    }),
    graph('Cache share by model', 'percentunit', [
      {
        expr: `${rate('signalbox_tokens_total{type="cache_read"}', 'model')} / ${rate('signalbox_tokens_total{type!="output"}', 'model')}`,
        legend: '{{model}}',
      },
    ]),
    graph('Reasoning tokens', 'short', [
      { expr: rate('signalbox_reasoning_tokens_total', 'model'), legend: '{{model}}' },
    ]),
    graph(
      'Windows of accounts, used',
      'percentunit',
      [{ expr: 'max by (account, window) (signalbox_quota_used_ratio)', legend: '{{account}} {{window}}' }],
      { mayBeEmpty: noQuota },
    ),
    list(
      'table',
      'Windows begin anew',
      'dateTimeFromNow',
      { expr: 'max by (account, window) (signalbox_quota_reset_timestamp_seconds) * 1000' },
      { mayBeEmpty: noQuota },
    ),
  ],
}

const errors: Dashboard = {
  uid: 'signalbox-errors',
  title: 'Signalbox: errors',
  description: 'What fails, whose fault it is, and what that does to the error budget.',
  panels: [
    stat(
      'Failed of what could succeed',
      'percentunit',
      `${rate(`signalbox_requests_total{${faults}}`)} / ${rate(`signalbox_requests_total{${judged}}`)}`,
    ),
    stat('Faults of providers', 'reqps', rate('signalbox_requests_total{outcome="provider_error"}')),
    stat('Faults of the gateway', 'reqps', rate('signalbox_requests_total{outcome=~"gateway_error|interrupted"}')),
    stat('Given up by callers', 'reqps', rate('signalbox_requests_total{outcome="cancelled"}')),
    graph(
      'Errors by type',
      'reqps',
      [{ expr: `${rate('signalbox_errors_total', 'error_type')} > 0`, legend: '{{error_type}}' }],
      { stacked: true },
    ),
    graph('Errors by provider and phase', 'reqps', [
      { expr: rate('signalbox_errors_total', 'provider, phase'), legend: '{{provider}} {{phase}}' },
    ]),
    graph(
      'Answers by class',
      'reqps',
      [
        { expr: rate('http_requests_total{status=~"2.."}'), legend: '2xx' },
        { expr: rate('http_requests_total{status=~"4.."}'), legend: '4xx' },
        { expr: rate('http_requests_total{status=~"5.."}'), legend: '5xx' },
      ],
      { stacked: true },
    ),
    graph(
      'Burn of the error budget (99 %)',
      'short',
      [
        {
          expr: `sum(rate(signalbox_requests_total{${faults}}[1h])) / sum(rate(signalbox_requests_total{${judged}}[1h])) / 0.01`,
          legend: '1 h',
        },
        {
          expr: `sum(rate(signalbox_requests_total{${faults}}[6h])) / sum(rate(signalbox_requests_total{${judged}}[6h])) / 0.01`,
          legend: '6 h',
        },
      ],
      { description: '1 uses up the budget in a month, 14.4 in two days.' },
    ),
    list('piechart', 'Errors of the last day', 'short', {
      expr: 'sum by (error_type) (increase(signalbox_errors_total[24h])) > 0',
      legend: '{{error_type}}',
    }),
    graph('Refused by a limit', 'reqps', [
      { expr: rate('signalbox_rate_limit_hits_total', 'source, provider'), legend: '{{source}} {{provider}}' },
    ]),
  ],
}

const database: Dashboard = {
  uid: 'signalbox-database',
  title: 'Signalbox: ledger and database',
  description: 'From the journal to rows: how far behind, how quick, how safe.',
  panels: [
    stat('Database', 'bool_on_off', 'min(signalbox_db_up)'),
    stat('The ledger lags', 's', 'max(signalbox_ledger_lag_seconds)'),
    stat('Set aside, last day', 'short', 'sum(increase(signalbox_ledger_dropped_total[24h]))'),
    stat('Partitions ahead', 'd', 'min(signalbox_partition_days_ahead)'),
    graph('Statements, p95', 's', quantiles('signalbox_db_query_seconds', '', 'query', [0.95])),
    graph('Statements a second', 'reqps', [
      { expr: rate('signalbox_db_query_seconds_count', 'query'), legend: '{{query}}' },
    ]),
    graph('Connections', 'short', [
      { expr: 'sum by (state) (signalbox_db_pool_connections)', legend: '{{state}}' },
      { expr: 'sum(signalbox_db_pool_max)', legend: 'most' },
    ]),
    graph(
      'Slow and failed statements',
      'reqps',
      [
        { expr: rate('signalbox_db_slow_queries_total'), legend: 'slow' },
        { expr: rate('signalbox_db_query_errors_total'), legend: 'failed' },
      ],
      { mayBeEmpty: 'No statement has been slow or failed.' },
    ),
    graph('Rows written', 'reqps', [
      { expr: rate('signalbox_ledger_written_total'), legend: 'written' },
      { expr: rate('signalbox_ledger_write_errors_total'), legend: 'failed writes' },
    ]),
    graph('Waiting for the ledger', 'short', [{ expr: 'sum(signalbox_ledger_queue_rows)', legend: 'records' }]),
    graph('Journal', 'bytes', [
      { expr: 'sum(signalbox_ledger_wal_bytes)', legend: 'on disk' },
      { expr: 'sum(signalbox_journal_backlog_bytes)', legend: 'not yet written' },
    ]),
    stat('Age of the last backup', 's', 'time() - max(signalbox_backup_last_success_timestamp_seconds)', {
      mayBeEmpty: 'Without BACKUP_DIR there are no backups.',
    }),
    stat('Age of the last retention', 's', 'time() - max(signalbox_retention_last_success_timestamp_seconds)', {
      mayBeEmpty: 'It has not run yet.',
    }),
  ],
}

const costs: Dashboard = {
  uid: 'signalbox-costs',
  title: 'Signalbox: costs',
  description: 'US dollars: what was spent, on what, and where it leads.',
  panels: [
    stat('Last hour', 'currencyUSD', 'sum(increase(signalbox_cost_usd_total[1h]))'),
    stat('Last 24 hours', 'currencyUSD', 'sum(increase(signalbox_cost_usd_total[24h]))'),
    stat('A month at the pace of the last hour', 'currencyUSD', 'sum(rate(signalbox_cost_usd_total[1h])) * 86400 * 30'),
    stat('A month at the pace of the last week', 'currencyUSD', 'sum(rate(signalbox_cost_usd_total[7d])) * 86400 * 30'),
    graph(
      'Dollars an hour, by model',
      'currencyUSD',
      [{ expr: `${rate('signalbox_cost_usd_total', 'model')} * 3600`, legend: '{{model}}' }],
      { stacked: true },
    ),
    graph(
      'Dollars an hour, by provider',
      'currencyUSD',
      [{ expr: `${rate('signalbox_cost_usd_total', 'provider')} * 3600`, legend: '{{provider}}' }],
      { stacked: true },
    ),
    list('bargauge', 'Models, last 24 hours', 'currencyUSD', {
      expr: 'sort_desc(sum by (model) (increase(signalbox_cost_usd_total[24h])))',
      legend: '{{model}}',
    }),
    graph('Dollars a million tokens, by model', 'currencyUSD', [
      {
        expr: `${rate('signalbox_cost_usd_total', 'model')} / (${rate('signalbox_tokens_total', 'model')} > 0) * 1e6`,
        legend: '{{model}}',
      },
    ]),
    graph('Spent in an hour: now, yesterday, last week', 'currencyUSD', [
      { expr: 'sum(increase(signalbox_cost_usd_total[1h]))', legend: 'now' },
      { expr: 'sum(increase(signalbox_cost_usd_total[1h] offset 1d))', legend: 'a day before' },
      { expr: 'sum(increase(signalbox_cost_usd_total[1h] offset 1w))', legend: 'a week before' },
    ]),
    graph('Calls without a known price', 'reqps', [{ expr: rate('signalbox_unpriced_requests_total') }]),
  ],
}

const providers: Dashboard = {
  uid: 'signalbox-providers',
  title: 'Signalbox: providers',
  description: 'Each provider: calls, latency, errors, tokens, limits.',
  panels: [
    graph('Calls', 'reqps', [{ expr: rate('signalbox_upstream_requests_total', 'provider'), legend: '{{provider}}' }], {
      stacked: true,
    }),
    graph('Time at the provider, p95', 's', quantiles('signalbox_upstream_duration_seconds', '', 'provider', [0.95])),
    graph(
      'First token, p50 and p95',
      's',
      quantiles('signalbox_time_to_first_token_seconds', '', 'provider', [0.5, 0.95]),
    ),
    graph('Answers by status', 'reqps', [
      { expr: rate('signalbox_upstream_requests_total', 'provider, status'), legend: '{{provider}} {{status}}' },
    ]),
    graph('Failed through the provider', 'percentunit', [
      {
        expr: `${rate('signalbox_requests_total{outcome="provider_error"}', 'provider')} / ${rate('signalbox_requests_total', 'provider')}`,
        legend: '{{provider}}',
      },
    ]),
    graph(
      'Turned away (429, 529)',
      'reqps',
      [
        {
          expr: rate('signalbox_upstream_requests_total{status=~"429|529"}', 'provider, status'),
          legend: '{{provider}} {{status}}',
        },
      ],
      {
        mayBeEmpty: 'Nobody was turned away yet.',
      },
    ),
    graph('Rate-limit hits', 'reqps', [
      { expr: rate('signalbox_rate_limit_hits_total{source="upstream"}', 'provider'), legend: '{{provider}}' },
    ]),
    graph('Tokens', 'short', [{ expr: rate('signalbox_tokens_total', 'provider'), legend: '{{provider}}' }], {
      stacked: true,
    }),
    graph(
      'Tries again',
      'reqps',
      [{ expr: rate('signalbox_retries_total', 'provider, reason'), legend: '{{provider}} {{reason}}' }],
      {
        mayBeEmpty: 'No call was tried again.',
      },
    ),
    graph(
      'Left for another target',
      'reqps',
      [{ expr: rate('signalbox_fallbacks_total', 'from, to'), legend: '{{from}} → {{to}}' }],
      {
        mayBeEmpty: 'No call left its first target.',
      },
    ),
    list(
      'table',
      'Left of an API key’s limits',
      'short',
      { expr: 'min by (account, kind) (signalbox_ratelimit_remaining)' },
      { mayBeEmpty: noQuota },
    ),
    graph('Open streams', 'short', [{ expr: 'sum by (provider) (signalbox_open_streams)', legend: '{{provider}}' }]),
  ],
}

const resources: Dashboard = {
  uid: 'signalbox-resources',
  title: 'Signalbox: resources',
  description: 'Memory, CPU, network, logs, and the monitoring itself.',
  panels: [
    graph('CPU', 'percentunit', [
      {
        expr: rate('process_cpu_seconds_total{job="ccproxy"}', 'instance, process'),
        legend: '{{instance}} {{process}}',
      },
    ]),
    graph('Memory', 'bytes', [
      {
        expr: 'sum by (instance, process) (process_resident_memory_bytes{job="ccproxy"})',
        legend: '{{instance}} {{process}}',
      },
    ]),
    graph('Heap', 'bytes', [
      { expr: 'sum by (instance, process) (process_heap_bytes)', legend: '{{instance}} {{process}}' },
    ]),
    graph('Bodies', 'Bps', [
      { expr: rate('signalbox_request_bytes_total'), legend: 'in' },
      { expr: rate('signalbox_response_bytes_total'), legend: 'out' },
    ]),
    graph('Event loop, p99 late', 's', quantiles('signalbox_event_loop_lag_seconds', '', 'process', [0.99])),
    graph('Event loop, busy', 'percentunit', [
      { expr: 'max by (instance, process) (signalbox_event_loop_utilization)', legend: '{{instance}} {{process}}' },
    ]),
    graph('Garbage collection', 'percentunit', [
      { expr: rate('signalbox_gc_pause_seconds_sum', 'process, kind'), legend: '{{process}} {{kind}}' },
    ]),
    graph('File descriptors', 'short', [
      { expr: 'sum by (instance, process) (process_open_fds{job="ccproxy"})', legend: '{{instance}} {{process}}' },
    ]),
    graph('Log lines', 'reqps', [
      { expr: rate('signalbox_log_lines_total', 'level'), legend: '{{level}}' },
      { expr: rate('signalbox_log_dropped_total'), legend: 'dropped' },
    ]),
    stat('Size of the logs', 'bytes', 'max(signalbox_log_dir_bytes)', {
      mayBeEmpty: 'Without LOG_FILE there is no folder of logs.',
    }),
    stat('Dashboards that are open', 'short', 'sum(signalbox_sse_connections)'),
    graph('Metric series', 'short', [{ expr: 'max by (instance) (signalbox_metric_series)', legend: '{{instance}}' }], {
      description: 'Under a limit of 5,000 a process.',
    }),
    graph('Names left out', 'short', [
      { expr: 'sum by (label) (increase(signalbox_label_overflow_total[1h]))', legend: '{{label}}' },
    ]),
    graph('Scrape', 's', [
      { expr: 'max by (instance) (scrape_duration_seconds{job="ccproxy"})', legend: '{{instance}}' },
    ]),
    list('table', 'Versions', 'short', { expr: 'signalbox_build_info' }),
  ],
}

const guide: Dashboard = {
  uid: 'signalbox-guide',
  title: 'CCProxy Dashboard',
  description: 'The panels of the monitoring guides, with their own expressions.',
  panels: [
    stat('Service Health', 'bool_on_off', 'up{job="ccproxy"}'),
    graph('Request Rate', 'reqps', [{ expr: 'rate(http_requests_total[5m])', legend: 'Requests/sec' }]),
    graph('Request Rate by domain', 'reqps', [{ expr: 'rate(claude_proxy_requests_total[5m])' }]),
    graph('Token Usage', 'short', [{ expr: 'sum(claude_proxy_tokens_total) by (type)' }]),
    graph('Response time, p95', 'ms', quantiles('claude_proxy_response_time', '', '', [0.95])),
  ],
}

export const dashboards: readonly Dashboard[] = [traffic, tokens, errors, database, costs, providers, resources, guide]
