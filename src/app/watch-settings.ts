import { stat } from 'node:fs/promises'
import { ConfigError, describeMistake } from '../config/mistake.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { SettingsState } from '../core/signals.ts'
import { changedSettings } from './changed-settings.ts'

/** Where settings come from, to be read again. */
export interface SettingsSource {
  /** Absolute path of the file; it need not exist. */
  readonly file: string
  /** All sources together, checked; throws `ConfigError`. */
  load(): { readonly config: Config; readonly warnings: readonly string[] }
}

export interface SettingsWatch {
  state(): SettingsState
  stop(): void
}

const everyMs = 1_000

/**
 * Reads the settings again when their file changes. What may change while the gateway runs is applied as a whole; the rest is
 * named in the log as waiting for a restart. Settings with a mistake change nothing.
 */
export function watchSettings(options: {
  readonly source: SettingsSource
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  /** Whether the provider on this machine was started, which happens only with the gateway. */
  readonly hasSimulated: boolean
  readonly intervalMs?: number
  readonly apply: (config: Config) => void
}): SettingsWatch {
  const { source, clock, logger, apply } = options
  const state = { current: true, readAt: clock.now() }
  let running = options.config
  let known: string | null = null
  let seen: string | null = null
  let looking = false

  const look = async (): Promise<void> => {
    const now = await fingerprint(source.file)
    // Read once it has stopped changing: an editor may write in steps, and half a file can be a right one.
    const isSettled = now === seen
    seen = now
    if (!isSettled || now === known) return
    // The first time tells of changes since the start, which takes a while; usually there are none.
    const isFirst = known === null
    known = now
    read(isFirst)
  }

  const read = (isFirst: boolean): void => {
    try {
      const { config, warnings } = source.load()
      if (needsSimulated(config) && !options.hasSimulated) throw new Error(simulatedText)
      if (isFirst && changedSettings(running, config).length === 0) return
      for (const warning of warnings) logger.warn('config_warning', warning)
      const next: Config = { ...running, routing: config.routing, providers: config.providers }
      tell(changedSettings(running, next), changedSettings(next, config))
      running = next
      apply(next)
      state.current = true
      state.readAt = clock.now()
    } catch (error) {
      state.current = false
      logger.error('config_reload_failed', 'The settings have a mistake, so those before stay in effect', {
        file: source.file,
        reason: reasonOf(error),
      })
    }
  }

  const tell = (changed: readonly string[], waiting: readonly string[]): void => {
    const list = (paths: readonly string[]): string => paths.join(', ').slice(0, 1_000)
    logger.info('config_reloaded', 'The settings were read again', {
      file: source.file,
      changed: changed.length === 0 ? 'nothing' : list(changed),
    })
    if (waiting.length > 0)
      logger.warn('config_restart_needed', 'Settings were changed that count after a restart', {
        settings: list(waiting),
      })
  }

  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void look()
      .catch(() => undefined)
      .finally(() => {
        looking = false
      })
  }, options.intervalMs ?? everyMs)
  timer.unref()
  return { state: () => ({ ...state }), stop: () => clearInterval(timer) }
}

const needsSimulated = ({ providers }: Config): boolean =>
  providers.default === 'simulated' && providers.simulated.baseUrl === undefined

const simulatedText =
  'providers.default is "simulated", which runs on this machine only where it was the default at the start: restart for it'

/** What changes with the file's content, also where another file takes its place. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file)
    return [ino, size, mtimeMs, ctimeMs].join(' ')
  } catch {
    return 'none'
  }
}

/** Each mistake with its place; values of secrets are in none of them. */
function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.mistakes.map(describeMistake).join(' ').slice(0, 4_000)
  return error instanceof Error ? error.message : String(error)
}
