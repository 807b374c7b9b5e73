import type { ProviderReport, ProvidersReport, ProvidersSource } from '../api/index.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { ExchangeObserver } from '../core/exchange.ts'
import type { PlaceState, ProviderCheck } from '../core/provider-health.ts'
import { createUpstreamClient } from '../http/upstream-client.ts'
import { type ConfiguredProvider, configuredProviders, worthChecking } from '../providers/configured.ts'
import { checkProviders } from './check-providers.ts'
import { ProviderTraffic, type TargetTraffic } from './provider-traffic.ts'

export interface ProviderHealth {
  /** Learns from real traffic. */
  readonly observer: ExchangeObserver
  readonly source: ProvidersSource
  /** The last check of each provider that was checked. */
  checks(): readonly ProviderCheck[]
  /** Settings that were changed while it runs. */
  replace(config: Config): void
  stop(): Promise<void>
}

/** How the providers are: by their traffic, by what the gateways know of their targets, and by checks now and then. */
export function createProviderHealth(options: {
  readonly config: Config
  readonly clock: Clock
  /** Of the simulated provider on this machine. */
  readonly simulatedUrl: string | null
  /** The targets of all gateway workers. */
  readonly places: () => Promise<readonly PlaceState[]>
}): ProviderHealth {
  const { clock, places } = options
  const upstream = createUpstreamClient()
  const traffic = new ProviderTraffic()
  const checks = new Map<string, ProviderCheck>()
  const state = { config: options.config, timer: undefined as NodeJS.Timeout | undefined }
  const all = (): readonly ConfiguredProvider[] => configuredProviders(state.config.providers, options.simulatedUrl)

  const check = async (): Promise<void> => {
    const worthIt = worthChecking(all(), state.config.providers.default)
    for (const one of await checkProviders(worthIt, upstream, clock)) checks.set(one.provider, one)
  }
  const report = async (): Promise<ProvidersReport> => {
    const known = await places()
    const targets = traffic.targets()
    const { default: defaultName } = state.config.providers
    return { providers: all().map((one) => reportOf(one, defaultName, checks.get(one.name), known, targets)) }
  }
  const schedule = (): void => {
    clearInterval(state.timer)
    const minutes = state.config.providers.checkIntervalMinutes
    // What fails here is the network's or the provider's, and stands in the check itself.
    if (minutes > 0) state.timer = setInterval(() => void check().catch(() => undefined), minutes * 60_000).unref()
  }
  schedule()
  return {
    observer: traffic,
    source: {
      report,
      async check() {
        await check()
        return report()
      },
    },
    checks: () => [...checks.values()],
    replace(config) {
      state.config = config
      for (const name of checks.keys()) if (!all().some((one) => one.name === name)) checks.delete(name)
      schedule()
    },
    async stop() {
      clearInterval(state.timer)
      await upstream.close()
    },
  }
}

function reportOf(
  { name, definition, dialect, url, missing }: ConfiguredProvider,
  defaultName: string,
  check: ProviderCheck | undefined,
  places: readonly PlaceState[],
  traffic: readonly TargetTraffic[],
): ProviderReport {
  const targets = targetsOf(name, places, traffic)
  return {
    name,
    type: definition.type,
    dialect,
    address: url?.origin ?? null,
    is_default: name === defaultName,
    offered: missing === null,
    missing,
    health: missing === null ? healthOf(check, targets) : 'not_offered',
    check:
      check === undefined
        ? null
        : {
            status: check.status,
            http_status: check.httpStatus,
            latency_ms: check.latencyMs,
            checked_at: new Date(check.checkedAt).toISOString(),
            advice: check.advice,
          },
    targets,
  }
}

type TargetReport = ProviderReport['targets'][number]

/** Targets by what is called: workers know them by the model that is asked for, the record by the one that answered. */
function targetsOf(provider: string, places: readonly PlaceState[], traffic: readonly TargetTraffic[]): TargetReport[] {
  const byModel = new Map<string, TargetReport>()
  const empty = { calls: 0, failures: 0, success_rate: null, median_ms: null, last_call_at: null, last_error: null }
  for (const place of places) {
    if (place.provider !== provider) continue
    const model = place.model ?? '*'
    const known = byModel.get(model)
    byModel.set(model, {
      model,
      breaker: worse(known?.breaker ?? null, place.breaker),
      resting: (known?.resting ?? false) || place.resting,
      in_flight: (known?.in_flight ?? 0) + place.inUse,
      ...empty,
    })
  }
  for (const { provider: name, model, calls, failures, medianMs, lastAt, lastError } of traffic) {
    if (name !== provider) continue
    byModel.set(model, {
      ...(byModel.get(model) ?? { model, breaker: null, resting: false, in_flight: 0 }),
      calls,
      failures,
      success_rate: calls === 0 ? null : 1 - failures / calls,
      median_ms: medianMs,
      last_call_at: new Date(lastAt).toISOString(),
      last_error: lastError === null ? null : { type: lastError.type, at: new Date(lastError.at).toISOString() },
    })
  }
  return [...byModel.values()]
}

const severity = { closed: 0, 'half-open': 1, open: 2 } as const

/** The worker that is worst off tells more than the others. */
function worse(a: TargetReport['breaker'], b: PlaceState['breaker']): PlaceState['breaker'] {
  return a !== null && severity[a] > severity[b] ? a : b
}

/** A success rate below this over the last calls is no accident. */
const degradedBelow = 0.9

function healthOf(check: ProviderCheck | undefined, targets: readonly TargetReport[]): ProviderReport['health'] {
  const breakers = targets.filter(({ breaker }) => breaker !== null)
  if (breakers.length > 0 && breakers.every(({ breaker }) => breaker === 'open')) return 'down'
  const calls = targets.reduce((sum, target) => sum + target.calls, 0)
  const failures = targets.reduce((sum, target) => sum + target.failures, 0)
  if (check !== undefined && check.status !== 'ok' && check.status !== 'rate_limited') return 'down'
  if (breakers.some(({ breaker }) => breaker !== 'closed') || check?.status === 'rate_limited') return 'degraded'
  if (calls > 0) return 1 - failures / calls < degradedBelow ? 'degraded' : 'ok'
  return check === undefined ? 'unknown' : 'ok'
}
