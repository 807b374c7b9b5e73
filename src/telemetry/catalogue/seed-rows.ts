/** Metrics whose names other people's dashboards and alerts already use. Renaming one breaks them. */
import { counter, histogram, methods, routes, statuses, tokenTypes } from './row.ts'

const responseTimeMs = [50, 100, 250, 500, 1000, 2000, 5000, 10000, 20000, 40000, 80000, 160000, 300000, 600000]
const httpSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 300, 600]

export const seedRows = {
  claude_proxy_requests_total: counter('Exchanges by domain.', 'count', 'closed exchange', {
    labels: { domain: 'domain' },
    private: ['domain'],
  }),
  claude_proxy_tokens_total: counter('Tokens in five disjoint buckets.', 'tokens', 'closed exchange', {
    labels: { type: tokenTypes },
  }),
  claude_proxy_response_time: histogram(
    'Time from the request to the end of its answer, in milliseconds.',
    'milliseconds',
    'closed exchange',
    responseTimeMs,
  ),
  http_requests_total: counter(
    'HTTP requests by their outcome as a status: a stream that breaks counts as 502 or 499, not as 200.',
    'count',
    'listener',
    { labels: { method: methods, route: routes, status: statuses } },
  ),
  http_request_duration_seconds: histogram(
    'Time from the request to the end of its answer.',
    'seconds',
    'listener',
    httpSeconds,
    { labels: { method: methods, route: routes } },
  ),
}
