import path from 'node:path'
import type { Command } from 'commander'
import { defaultFileName, type FlagValue } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { renderGreeting } from './greeting.ts'
import type { Instance, Programs, ServeOptions } from './programs.ts'
import { loadAgain, loadFor } from './setting-flags.ts'
import { listenForStop, type StopSignals } from './stop-signals.ts'
import { CommandError, type Terminal } from './terminal.ts'

/** A command that runs until it is stopped, as its arguments say. */
export interface ServeCommand extends Omit<ServeOptions, 'config' | 'settings'> {
  readonly command: Command
  readonly programs: Programs
  readonly terminal: Terminal
  /** Settings that the command itself decides. */
  readonly flags?: readonly FlagValue[]
  /** What the command changes in the settings that were found. */
  readonly adjust?: (config: Config) => Config
}

/** What is done with a serving command: to start an instance of it, or to be a gateway worker of one. */
export type Serve = (command: ServeCommand) => Promise<void>

/** Starts an instance, greets, and stays until a signal or a failure ends it. */
export async function serve(options: ServeCommand): Promise<void> {
  const { command, programs, terminal, part, traffic, flags = [], adjust = (config) => config } = options
  const loaded = loadFor(command, terminal, flags)
  const config = adjust(loaded.config)
  const settings = {
    file: path.resolve(loaded.file ?? defaultFileName),
    load() {
      const again = loadAgain(command, flags)
      return { config: adjust(again.config), warnings: again.warnings }
    },
  }
  const signals = listenForStop(() => systemClock.monotonic())
  try {
    const starting = programs.serve({ config, part, traffic, settings })
    const instance = await Promise.race([starting, signals.first.then(() => null)])
    if (instance !== null) {
      greet(instance, config, terminal)
      const failure = await Promise.race([instance.failed, signals.first.then(() => null)])
      if (failure !== null) {
        await instance.stop()
        throw failure
      }
    }
    // Ctrl-C during the start: what is being opened still has to be closed.
    await stopGently(starting, signals, config, terminal)
  } finally {
    signals.release()
  }
}

function greet(instance: Instance, config: Config, terminal: Terminal): void {
  const text = renderGreeting({
    ...instance,
    simulated: config.providers.default === 'simulated',
    graceSeconds: Math.round(config.http.shutdownGraceMs / 1000),
  })
  // Whoever reads standard output as a log reads JSON lines and nothing else.
  const readByPerson = terminal.outIsTty && config.telemetry.logFormat !== 'json'
  if (readByPerson) terminal.out(text)
  else terminal.err(text)
}

async function stopGently(
  starting: Promise<Instance>,
  signals: StopSignals,
  config: Config,
  terminal: Terminal,
): Promise<void> {
  const seconds = Math.round(config.http.shutdownGraceMs / 1000)
  terminal.err(`Stopping: no new calls, open streams get up to ${seconds} s. Ctrl-C once more stops at once.\n`)
  const stopped = starting.then((instance) => instance.stop()).then(() => true)
  const gentle = await Promise.race([stopped, signals.second.then(() => false)])
  if (gentle) return
  throw new CommandError(
    'Stopped at once: open streams are cut. What is known of their calls is in the journal and is stored at the next start.',
  )
}
