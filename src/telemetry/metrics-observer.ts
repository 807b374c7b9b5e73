import type { ErrorType } from '../core/errors.ts'
import { type ExchangeClosed, type Outcome, type RecordedExchange, routeOf } from '../core/exchange.ts'
import { costTypes, type errorPhases, errorTypes, outcomes, tokenTypes } from './catalogue/row.ts'
import { failureOf } from './failure.ts'
import { createHttpMetrics, expectRoutes, type HttpRequestFinished } from './http-metrics.ts'
import { type MetricLabels, statusLabel } from './metric-labels.ts'
import type { CounterChild, HistogramChild, MetricRegistry } from './metric-registry.ts'
import { routingMetrics } from './routing-metrics.ts'

export interface MetricsObserver {
  exchangeClosed(exchange: RecordedExchange): void
  httpRequestFinished(request: HttpRequestFinished): void
}

/** Turns closed exchanges into metrics. The children of each combination are bound once; an exchange only adds. */
export function createMetricsObserver(
  registry: MetricRegistry,
  labels: MetricLabels,
  configuredProviders: readonly string[] = [],
): MetricsObserver {
  const http = createHttpMetrics(registry)
  expectRoutes(http)
  const totals = totalMetrics(registry, labels)
  const provider = providerMetrics(registry)
  const target = targetMetrics(registry)
  const routing = routingMetrics(registry, labels)
  for (const name of ['none', ...configuredProviders]) provider(labels.provider(name))
  return {
    exchangeClosed(exchange) {
      const providerLabel = labels.provider(exchange.provider)
      const modelLabel = labels.model(providerLabel, exchange.model, exchange.requestedModel)
      http.finished({
        method: exchange.method,
        route: routeOf[exchange.endpoint],
        status: exchange.statusCode,
        seconds: exchange.durationMs / 1000,
      })
      totals(exchange)
      observeProvider(provider(providerLabel), exchange)
      observeTarget(target(providerLabel, modelLabel), exchange)
      routing(exchange)
    },
    httpRequestFinished: http.finished,
  }
}

function totalMetrics(registry: MetricRegistry, labels: MetricLabels) {
  const byDomain = registry.counter('claude_proxy_requests_total')
  const responseTime = registry.histogram('claude_proxy_response_time').child({})
  const seedTokens = tokenChildren((type) => registry.counter('claude_proxy_tokens_total').child({ type }))
  const requestBytes = registry.counter('signalbox_request_bytes_total').child({})
  const responseBytes = registry.counter('signalbox_response_bytes_total').child({})
  const overhead = registry.histogram('signalbox_overhead_seconds').child({ phase: 'total' })
  const unpriced = registry.counter('signalbox_unpriced_requests_total').child({})
  const estimates = registry.counter('signalbox_estimated_usage_requests_total')
  const estimated = {
    partial: estimates.child({ reason: 'partial' }),
    estimated: estimates.child({ reason: 'estimated' }),
  }
  const flags = registry.counter('signalbox_usage_flags_total')
  const tools = registry.counter('signalbox_server_tool_units_total')
  const webSearch = tools.child({ tool: 'web_search' })
  const webFetch = tools.child({ tool: 'web_fetch' })
  return (exchange: RecordedExchange): void => {
    byDomain.child({ domain: labels.domain(exchange.domain) }).add(1)
    responseTime.observe(exchange.durationMs)
    addTokens(seedTokens, exchange)
    requestBytes.add(exchange.requestBytes)
    responseBytes.add(exchange.responseBytes)
    overhead.observe(exchange.overheadMs / 1000)
    if (exchange.priceSource === 'default') unpriced.add(1)
    if (exchange.usageSource === 'partial' || exchange.usageSource === 'estimated')
      estimated[exchange.usageSource].add(1)
    for (const flag of exchange.usageFlags) flags.child({ flag: labels.flag(flag) }).add(1)
    if (exchange.serverToolUse !== null) {
      webSearch.add(exchange.serverToolUse.webSearchRequests)
      webFetch.add(exchange.serverToolUse.webFetchRequests)
    }
  }
}

interface ProviderChildren {
  readonly upstreamDuration: HistogramChild
  readonly interToken: HistogramChild
  readonly interTokenMax: HistogramChild
  readonly gatewayLimit: CounterChild
  readonly upstreamLimit: CounterChild
  error(type: ErrorType, phase: (typeof errorPhases)[number]): CounterChild
}

function providerMetrics(registry: MetricRegistry): (provider: string) => ProviderChildren {
  const durations = registry.histogram('signalbox_upstream_duration_seconds')
  const interToken = registry.histogram('signalbox_inter_token_seconds')
  const interTokenMax = registry.histogram('signalbox_inter_token_max_seconds')
  const limits = registry.counter('signalbox_rate_limit_hits_total')
  const errors = registry.counter('signalbox_errors_total')
  const bound = new Map<string, ProviderChildren>()
  return (provider) => {
    const known = bound.get(provider)
    if (known !== undefined) return known
    // The failures that can be laid at this door exist at 0 before the first one.
    for (const type of errorTypes) {
      if (!belongsTo(provider, type)) continue
      errors.child({ error_type: type, provider, phase: 'before_first_byte' })
      if (provider !== 'none' && breaksStreams(type))
        errors.child({ error_type: type, provider, phase: 'after_first_byte' })
    }
    const made: ProviderChildren = {
      upstreamDuration: durations.child({ provider }),
      interToken: interToken.child({ provider }),
      interTokenMax: interTokenMax.child({ provider }),
      gatewayLimit: limits.child({ source: 'gateway', provider }),
      upstreamLimit: limits.child({ source: 'upstream', provider }),
      error: (error_type, phase) => errors.child({ error_type, provider, phase }),
    }
    bound.set(provider, made)
    return made
  }
}

/** Without a provider nothing but callers, policies and the gateway can have failed. */
function belongsTo(provider: string, type: ErrorType): boolean {
  if (provider === 'none') return !type.startsWith('provider_')
  return type.startsWith('provider_') || type === 'caller_cancelled' || type === 'gateway_internal'
}

function breaksStreams(type: ErrorType): boolean {
  return type.startsWith('provider_stream_') || type === 'provider_overloaded' || type === 'provider_server_error'
}

function observeProvider(children: ProviderChildren, exchange: RecordedExchange): void {
  if (exchange.upstreamMs !== null) children.upstreamDuration.observe(exchange.upstreamMs / 1000)
  if (exchange.interTokenMs !== undefined) {
    children.interToken.observe(exchange.interTokenMs.mean / 1000)
    children.interTokenMax.observe(exchange.interTokenMs.max / 1000)
  }
  const failure = failureOf(exchange)
  if (failure !== null)
    children.error(failure, exchange.failedAfterFirstByte ? 'after_first_byte' : 'before_first_byte').add(1)
  if (exchange.upstreamStatus === 429) children.upstreamLimit.add(1)
  else if (failure === 'policy_rate_limited' || failure === 'policy_concurrency_limited') children.gatewayLimit.add(1)
}

interface TargetChildren {
  readonly tokens: readonly CounterChild[]
  readonly reasoning: CounterChild
  readonly cost: readonly CounterChild[]
  /** Made when the first stream of the target is seen: count_tokens and refused calls have none. */
  firstToken(): HistogramChild
  upstream(status: ReturnType<typeof statusLabel> | 'none'): CounterChild
  endpoint(name: ExchangeClosed['endpoint']): {
    readonly duration: HistogramChild
    outcome(outcome: Outcome): CounterChild
  }
}

function targetMetrics(registry: MetricRegistry): (provider: string, model: string) => TargetChildren {
  const tokens = registry.counter('signalbox_tokens_total')
  const reasoning = registry.counter('signalbox_reasoning_tokens_total')
  const cost = registry.counter('signalbox_cost_usd_total')
  const firstToken = registry.histogram('signalbox_time_to_first_token_seconds')
  const upstream = registry.counter('signalbox_upstream_requests_total')
  const requests = registry.counter('signalbox_requests_total')
  const durations = registry.histogram('signalbox_request_duration_seconds')
  const bound = new Map<string, TargetChildren>()
  return (provider, model) => {
    const key = `${provider}\u0000${model}`
    const known = bound.get(key)
    if (known !== undefined) return known
    const made: TargetChildren = {
      tokens: tokenChildren((type) => tokens.child({ provider, model, type })),
      reasoning: reasoning.child({ provider, model }),
      cost: costTypes.map((type) => cost.child({ provider, model, type })),
      firstToken: once(() => firstToken.child({ provider, model })),
      upstream: memo((status) => upstream.child({ provider, model, status })),
      endpoint: memo((endpoint) => {
        // Failures exist at 0 with the first success, for rate() misses a series that begins at 1.
        for (const outcome of outcomes) requests.child({ endpoint, provider, model, outcome })
        return {
          duration: durations.child({ endpoint, provider, model }),
          outcome: memo((outcome) => requests.child({ endpoint, provider, model, outcome })),
        }
      }),
    }
    bound.set(key, made)
    return made
  }
}

function observeTarget(children: TargetChildren, exchange: RecordedExchange): void {
  const endpoint = children.endpoint(exchange.endpoint)
  endpoint.outcome(exchange.outcome).add(1)
  endpoint.duration.observe(exchange.durationMs / 1000)
  addTokens(children.tokens, exchange)
  if (exchange.usage.reasoning !== null) children.reasoning.add(exchange.usage.reasoning)
  addCost(children.cost, exchange)
  if (exchange.attempts > 0)
    children.upstream(exchange.upstreamStatus === null ? 'none' : statusLabel(exchange.upstreamStatus)).add(1)
  // The first byte of an answer in one piece comes with its last token, which is another measure.
  if (exchange.streaming && exchange.ttftMs !== null) children.firstToken().observe(exchange.ttftMs / 1000)
}

function tokenChildren(make: (type: (typeof tokenTypes)[number]) => CounterChild): readonly CounterChild[] {
  return tokenTypes.map(make)
}

/** In the order of `tokenTypes`. */
function addTokens(children: readonly CounterChild[], { usage }: RecordedExchange): void {
  children[0]?.add(usage.input)
  children[1]?.add(usage.output)
  children[2]?.add(usage.cacheRead)
  children[3]?.add(usage.cacheWrite5m)
  children[4]?.add(usage.cacheWrite1h)
}

/** In the order of `costTypes`. */
function addCost(children: readonly CounterChild[], { costParts, costUsd }: RecordedExchange): void {
  // What was priced elsewhere comes without its parts, and must not be lost.
  if (costParts === undefined) return children[costTypes.indexOf('units')]?.add(costUsd)
  children[0]?.add(costParts.input)
  children[1]?.add(costParts.output)
  children[2]?.add(costParts.cacheRead)
  children[3]?.add(costParts.cacheWrite5m)
  children[4]?.add(costParts.cacheWrite1h)
  children[5]?.add(costParts.units)
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Keys here are closed sets, so the map stays small. */
function memo<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}
