import type { Config } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { ProviderCheck } from '../core/provider-health.ts'
import type { UpstreamCall, UpstreamClient } from '../core/upstream.ts'
import { createUpstreamClient } from '../http/upstream-client.ts'
import { judge, type ProbeOutcome, type ProbeRequest, probeOf } from '../providers/check.ts'
import { type ConfiguredProvider, configuredProviders, worthChecking } from '../providers/configured.ts'

/** A list of models comes at once or something is wrong. */
const timeoutMs = 10_000

/** Asks each of them at once; those that can not be asked without tokens are left out. */
export async function checkProviders(
  providers: readonly ConfiguredProvider[],
  upstream: UpstreamClient,
  clock: Clock,
): Promise<readonly ProviderCheck[]> {
  const checks = await Promise.all(
    providers.map(async (provider): Promise<ProviderCheck | null> => {
      const request = probeOf(provider)
      if (request === null) return null
      const startedAt = clock.monotonic()
      const outcome = await probe(request, upstream)
      return {
        provider: provider.name,
        ...judge(provider, outcome),
        httpStatus: outcome.kind === 'answer' ? outcome.status : null,
        latencyMs: Math.round(clock.monotonic() - startedAt),
        checkedAt: clock.now(),
      }
    }),
  )
  return checks.filter((check) => check !== null)
}

/** `signalbox providers check`: by the settings alone, whether a gateway runs or not. */
export async function checkConfigured(config: Config, name: string | null) {
  const all = configuredProviders(config.providers)
  const asked = name === null ? all : all.filter((one) => one.name === name)
  const checked = name === null ? worthChecking(all, config.providers.default) : asked
  const upstream = createUpstreamClient()
  try {
    return {
      checks: await checkProviders(
        checked.filter(({ missing }) => missing === null),
        upstream,
        systemClock,
      ),
      notOffered: asked.flatMap(({ name: one, missing }) => (missing === null ? [] : [{ name: one, missing }])),
      names: all.map((one) => one.name),
    }
  } finally {
    await upstream.close()
  }
}

/** One GET; the answer's body is let go, for its status says all. */
function probe({ origin, path, headers }: ProbeRequest, upstream: UpstreamClient): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const running: { call?: UpstreamCall; settled: boolean } = { settled: false }
    const settle = (outcome: ProbeOutcome): void => {
      running.settled = true
      clearTimeout(deadline)
      resolve(outcome)
      running.call?.abort()
    }
    // Connecting has a limit of its own, which together with the answer's would be too long.
    const deadline = setTimeout(() => settle({ kind: 'failure', reason: 'timeout', detail: 'timeout' }), timeoutMs)
    running.call = upstream.send(
      {
        origin,
        path,
        method: 'GET',
        headers: [...headers],
        body: null,
        headersTimeoutMs: timeoutMs,
        idleTimeoutMs: timeoutMs,
      },
      {
        onHeaders: (status) => settle({ kind: 'answer', status }),
        onData: () => true,
        onEnd: () => undefined,
        onError({ kind, detail }) {
          if (running.settled) return
          const reason = kind === 'connect' ? 'connect' : kind === 'headers_timeout' ? 'timeout' : 'broken'
          settle({ kind: 'failure', reason, detail })
        },
      },
    )
  })
}
