import { messagesStatuses, methods, routes } from './catalogue/row.ts'
import { statusLabel } from './metric-labels.ts'
import type { CounterChild, HistogramChild, MetricRegistry } from './metric-registry.ts'

/** A request and its end. Exchanges count themselves; the listener tells of the others: /health, /metrics, the API. */
export interface HttpRequestFinished {
  readonly route: string
  readonly method: string
  readonly status: number
  readonly seconds: number
}

interface HttpMetrics {
  finished(request: HttpRequestFinished): void
  /** Makes the series, at 0. */
  expect(request: Omit<HttpRequestFinished, 'seconds'>): void
}

/** The metrics by method, route and status, all three from closed sets. */
export function createHttpMetrics(registry: MetricRegistry): HttpMetrics {
  const requests = registry.counter('http_requests_total')
  const durations = registry.histogram('http_request_duration_seconds')
  const bound = new Map<string, { readonly count: CounterChild; readonly duration: HistogramChild }>()
  const bind = (request: Omit<HttpRequestFinished, 'seconds'>) => {
    const method = memberOr(methods, request.method, 'other')
    const route = memberOr(routes, request.route, 'other')
    const status = statusLabel(request.status)
    const key = `${method} ${route} ${status}`
    const known = bound.get(key)
    if (known !== undefined) return known
    const made = { count: requests.child({ method, route, status }), duration: durations.child({ method, route }) }
    bound.set(key, made)
    return made
  }
  return {
    finished(request) {
      const { count, duration } = bind(request)
      count.add(1)
      duration.observe(request.seconds)
    },
    expect: (request) => void bind(request),
  }
}

/** The series that alert rules look at exist before their first call. */
export function expectRoutes(http: HttpMetrics): void {
  for (const status of messagesStatuses) {
    http.expect({ method: 'POST', route: '/v1/messages', status: Number(status) })
    http.expect({ method: 'POST', route: '/v1/messages/count_tokens', status: Number(status) })
  }
  http.expect({ method: 'GET', route: '/v1/models', status: 200 })
  http.expect({ method: 'GET', route: '/health', status: 200 })
  http.expect({ method: 'HEAD', route: '/health', status: 200 })
  http.expect({ method: 'GET', route: '/metrics', status: 200 })
}

function memberOr<const Member extends string>(set: readonly Member[], value: string, fallback: Member): Member {
  return set.find((member) => member === value) ?? fallback
}
