import type { Clock } from '../../../core/clock.ts'
import type { Logger } from '../../../core/logger.ts'
import { createBackoff } from '../../backoff.ts'
import { isAlive } from '../../process-identity.ts'
import { messageOf } from '../../store-error.ts'
import type { Cluster } from './init-cluster.ts'
import { boundLog, type Postmaster, stopPostmaster } from './postmaster.ts'

export interface Supervision {
  pid(): number
  stop(): Promise<void>
}

interface Supervised {
  readonly cluster: Cluster
  readonly postmaster: Postmaster
  readonly clock: Clock
  readonly logger: Logger
  /** Starts it again and resolves when it answers. */
  readonly restart: () => Promise<Postmaster>
}

/** Our own child reports its end; an adopted server has to be looked after. */
const watchMs = 500
const logCheckMs = 60_000
/** A server that lived this long earned a quick restart. */
const healthyMs = 60_000

/** Watches a running server and restarts it with growing pauses when it dies, until `stop`. */
export function supervise({ cluster, postmaster, clock, logger, restart }: Supervised): Supervision {
  const backoff = createBackoff(100, 5_000)
  let current = postmaster
  let startedAt = clock.monotonic()
  let stopping = false
  let restarting: Promise<void> | undefined
  let wake: (() => void) | undefined

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const revive = async (): Promise<void> => {
    logger.error('postgres_died', 'Embedded PostgreSQL died and is restarted', { pid: current.pid })
    if (clock.monotonic() - startedAt > healthyMs) backoff.reset()
    while (!stopping) {
      await pause(backoff.next())
      if (stopping) return
      try {
        current = await restart()
        startedAt = clock.monotonic()
        watchChild()
        logger.info('postgres_restarted', 'Embedded PostgreSQL restarted', { pid: current.pid })
        return
      } catch (error) {
        logger.error('postgres_restart_failed', 'Embedded PostgreSQL can not be restarted', { error: messageOf(error) })
      }
    }
  }

  const died = (pid: number): void => {
    if (stopping || restarting !== undefined || pid !== current.pid) return
    restarting = revive().finally(() => {
      restarting = undefined
      // It may have died again while the restart was being wound up.
      void look()
    })
  }

  const look = async (): Promise<void> => {
    const { pid } = current
    if (!stopping && !(await isAlive(pid))) died(pid)
  }

  const watchChild = (): void => {
    const { pid, child } = current
    child?.once('exit', () => died(pid))
    // The gateway must be able to exit while the server still runs: `stop` is what ends it.
    child?.unref()
  }

  watchChild()
  const watch = setInterval(() => void look(), watchMs)
  const logCheck = setInterval(() => void boundLog(cluster).catch(() => undefined), logCheckMs)
  watch.unref()
  logCheck.unref()

  return {
    pid: () => current.pid,
    async stop() {
      stopping = true
      clearInterval(watch)
      clearInterval(logCheck)
      wake?.()
      await restarting
      await stopPostmaster(cluster, current, clock)
    },
  }
}
