import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { SelfFacts } from '../api/index.ts'
import type { Clock } from '../core/clock.ts'
import type { DatabaseState, RecorderState } from '../core/signals.ts'
import { diskOf } from '../store/index.ts'

/** The event loop's delays are forgotten after this, so that the figure is of the last minutes and not of the start. */
const lagWindowMs = 5 * 60_000
const resolutionMs = 20

/** What this process knows of itself for the database page. Ends with `close`. */
export function createSelfFacts(options: {
  readonly clock: Clock
  /** Where the journal is. */
  readonly dataDir: string
  readonly recorder: () => RecorderState
  readonly database: () => DatabaseState
  readonly dashboardClients: () => number
}): { read(): Promise<SelfFacts>; close(): void } {
  const { clock, dataDir } = options
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  let forgottenAt = clock.monotonic()
  let before: { readonly at: number; readonly cpuMs: number } | null = null

  function lagP99Ms(): number | null {
    // The sampler's own interval is in each sample.
    const p99 = delays.percentile(99) / 1e6 - resolutionMs
    const known = delays.count > 0
    if (clock.monotonic() - forgottenAt > lagWindowMs) {
      delays.reset()
      forgottenAt = clock.monotonic()
    }
    return known ? Math.max(0, p99) : null
  }

  function cpuShare(): number | null {
    const { user, system } = process.cpuUsage()
    const now = { at: clock.monotonic(), cpuMs: (user + system) / 1000 }
    const share = before === null || now.at <= before.at ? null : (now.cpuMs - before.cpuMs) / (now.at - before.at)
    before = now
    return share
  }

  return {
    async read() {
      const recorder = options.recorder()
      const { rss, heapUsed } = process.memoryUsage()
      return {
        recorder,
        database: options.database(),
        process: {
          uptime_seconds: process.uptime(),
          memory_bytes: rss,
          heap_bytes: heapUsed,
          cpu: cpuShare(),
          event_loop_lag_p99_ms: lagP99Ms(),
          dashboard_clients: options.dashboardClients(),
          open_exchanges: recorder.openExchanges,
          journal_disk: await diskOf(dataDir),
        },
      }
    },
    close: () => delays.disable(),
  }
}
