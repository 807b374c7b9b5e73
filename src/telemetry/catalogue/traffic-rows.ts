/** Metrics of exchanges: requests, upstream, latency, tokens and money. */
import {
  costTypes,
  counter,
  endpoints,
  errorPhases,
  errorTypes,
  gauge,
  histogram,
  outcomes,
  statuses,
  tokenTypes,
  tryReasons,
} from './row.ts'

// Agent turns take minutes, so these reach beyond what the OpenTelemetry conventions recommend.
const durationSeconds = [0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 300, 600]
const firstTokenSeconds = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60]
const interTokenSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10]
const overheadSeconds = [0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

const target = { provider: 'provider', model: 'model' } as const
const provider = { provider: 'provider' } as const

export const trafficRows = {
  signalbox_requests_total: counter('Exchanges by outcome.', 'count', 'closed exchange', {
    labels: { endpoint: endpoints, ...target, outcome: outcomes },
  }),
  signalbox_errors_total: counter(
    'Failed exchanges; the prefix of the type says whose fault it is (docs/errors.md).',
    'count',
    'closed exchange',
    { labels: { error_type: errorTypes, ...provider, phase: errorPhases } },
  ),
  signalbox_request_duration_seconds: histogram(
    'Wall time of an exchange, to the end of its stream.',
    'seconds',
    'closed exchange',
    durationSeconds,
    { labels: { endpoint: endpoints, ...target } },
  ),
  signalbox_in_flight_requests: gauge('Exchanges opened and not closed.', 'count', 'open exchanges', 'sum', {
    labels: { endpoint: endpoints },
  }),
  signalbox_open_streams: gauge('Streaming exchanges opened and not closed.', 'count', 'open exchanges', 'sum', {
    labels: provider,
  }),
  signalbox_request_bytes_total: counter('Bytes of request bodies.', 'bytes', 'closed exchange'),
  signalbox_response_bytes_total: counter('Bytes of response bodies.', 'bytes', 'closed exchange'),

  signalbox_upstream_requests_total: counter(
    'Exchanges that went upstream, by the last status that came back; `none` where no answer came.',
    'count',
    'closed exchange',
    { labels: { ...target, status: [...statuses, 'none'] } },
  ),
  signalbox_upstream_duration_seconds: histogram(
    'Time spent waiting for the provider.',
    'seconds',
    'closed exchange',
    durationSeconds,
    { labels: provider },
  ),
  signalbox_retries_total: counter(
    'Tries again at the same target, by what was wrong before.',
    'count',
    'closed exchange',
    {
      labels: { ...provider, reason: tryReasons },
    },
  ),
  signalbox_fallbacks_total: counter(
    'Targets that were left for the next one of their route, by what was wrong with them.',
    'count',
    'closed exchange',
    { labels: { from: 'provider', to: 'provider', reason: tryReasons } },
  ),
  signalbox_session_moves_total: counter(
    'Calls of sessions that went to another target than the call before, whose prompt cache stayed behind.',
    'count',
    'closed exchange',
    { labels: { from: 'provider', to: 'provider' } },
  ),
  signalbox_translation_notes_total: counter(
    'What translations did not carry as it was: `dropped:top_k`.',
    'count',
    'closed exchange',
    { labels: { ...provider, note: 'note' } },
  ),
  signalbox_rate_limit_hits_total: counter(
    'Exchanges answered 429 by a limit: our own (`gateway`) or the provider’s (`upstream`).',
    'count',
    'closed exchange',
    { labels: { source: ['gateway', 'upstream'], ...provider } },
  ),

  signalbox_time_to_first_token_seconds: histogram(
    'Time to the first token of a stream.',
    'seconds',
    'closed exchange',
    firstTokenSeconds,
    { labels: target },
  ),
  signalbox_inter_token_seconds: histogram(
    'Time between two pieces of a stream, its mean: observed once a stream, at its end.',
    'seconds',
    'closed exchange',
    interTokenSeconds,
    { labels: provider },
  ),
  signalbox_inter_token_max_seconds: histogram(
    'The longest such time of each stream.',
    'seconds',
    'closed exchange',
    interTokenSeconds,
    { labels: provider },
  ),
  signalbox_overhead_seconds: histogram(
    'The gateway’s own share of the time: wall time minus time spent waiting for others.',
    'seconds',
    'closed exchange',
    overheadSeconds,
    { labels: { phase: ['total'] } },
  ),

  signalbox_tokens_total: counter('Tokens in five disjoint buckets.', 'tokens', 'closed exchange', {
    labels: { ...target, type: tokenTypes },
  }),
  signalbox_reasoning_tokens_total: counter(
    'Tokens of reasoning, a subset of output where the provider tells.',
    'tokens',
    'closed exchange',
    { labels: target },
  ),
  signalbox_cost_usd_total: counter(
    'Cost in US dollars; the values of `type` add up to the whole. `units` are searches and requests as such.',
    'usd',
    'closed exchange',
    { labels: { ...target, type: costTypes } },
  ),
  signalbox_unpriced_requests_total: counter(
    'Exchanges of a model without a known price, charged at the default price.',
    'count',
    'closed exchange',
  ),
  signalbox_estimated_usage_requests_total: counter(
    'Exchanges whose token counts are not fully reported: `partial` (cut stream) or `estimated` (from sizes).',
    'count',
    'closed exchange',
    { labels: { reason: ['partial', 'estimated'] } },
  ),
  signalbox_usage_flags_total: counter('Reasons why token counts deserve a second look.', 'count', 'closed exchange', {
    labels: { flag: 'flag' },
  }),
  signalbox_server_tool_units_total: counter('Billed uses of server tools.', 'count', 'closed exchange', {
    labels: { tool: ['web_search', 'web_fetch'] },
  }),
}
