import { type Command, InvalidArgumentError } from 'commander'
import type { FlagValue, Loaded } from '../config/load.ts'
import { loadConfigOfProcess } from '../config/load-config.ts'
import type { Config } from '../config/schema.ts'
import type { Terminal } from './terminal.ts'

/** The settings that have a flag of their own; `--set` reaches all others. */
const settingFlags = [
  { name: 'host', path: 'http.host', value: 'ADDRESS', description: 'address to listen on' },
  { name: 'proxyPort', path: 'http.proxyPort', value: 'PORT', description: 'port of the proxy' },
  { name: 'dashboardPort', path: 'http.dashboardPort', value: 'PORT', description: 'port of the dashboard' },
  { name: 'dataDir', path: 'dataDir', value: 'DIRECTORY', description: 'where everything is kept' },
  { name: 'logLevel', path: 'telemetry.logLevel', value: 'LEVEL', description: 'debug, info, warn or error' },
] as const

const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

interface SetValue {
  readonly path: string
  readonly value: string
}

/** Gives a command the flags that change settings. */
export function withSettingFlags(command: Command): Command {
  command.option(
    '-c, --config <FILE>',
    'file of settings (default: signalbox.yaml in the working directory, if it exists)',
  )
  for (const { name, value, description } of settingFlags) command.option(`${flagOf(name)} <${value}>`, description)
  return command.option(
    '--set <PATH=VALUE>',
    'any other setting, such as --set http.workers=2; repeatable',
    collectSet,
    [],
  )
}

function collectSet(text: string, before: readonly SetValue[]): readonly SetValue[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as PATH=VALUE, such as http.workers=2.')
  return [...before, { path: text.slice(0, at), value: text.slice(at + 1) }]
}

/** Loads the settings of a command, those that it decides itself on top, and tells the warnings. Throws `ConfigError`. */
export function loadFor(command: Command, terminal: Terminal, decided: readonly FlagValue[] = []): Loaded<Config> {
  const loaded = loadAgain(command, decided)
  terminal.showStacks = loaded.config.telemetry.logLevel === 'debug'
  for (const warning of loaded.warnings) terminal.err(`warning: ${warning}\n`)
  return loaded
}

/** The same without a word to the terminal. Throws `ConfigError`. */
export function loadAgain(command: Command, decided: readonly FlagValue[] = []): Loaded<Config> {
  const options: Record<string, unknown> = command.opts()
  const flags = settingFlags.flatMap(({ name, path }): FlagValue[] => {
    const value = options[name]
    return typeof value === 'string' ? [{ flag: flagOf(name), path, value }] : []
  })
  const more = (options.set as readonly SetValue[] | undefined) ?? [] // made by collectSet alone
  return loadConfigOfProcess({
    file: typeof options.config === 'string' ? options.config : undefined,
    flags: [...flags, ...more.map((one) => ({ flag: '--set', ...one })), ...decided],
  })
}
