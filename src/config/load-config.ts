import path from 'node:path'
import { type Loaded, load, type Sources } from './load.ts'
import { routingWarnings } from './routing-rules.ts'
import { rules } from './rules.ts'
import { type Config, configSchema } from './schema.ts'

/** Loads the settings of Signalbox. Throws `ConfigError`, which lists every mistake; nothing is read but the sources. */
export function loadConfig(sources: Sources): Loaded<Config> {
  const loaded = load(configSchema, sources, rules)
  const { dataDir, backup } = loaded.config
  const config = {
    ...loaded.config,
    dataDir: path.resolve(sources.cwd, dataDir),
    backup: { ...backup, dir: backup.dir === undefined ? undefined : path.resolve(sources.cwd, backup.dir) },
  }
  return {
    ...loaded,
    config,
    warnings: [...loaded.warnings, ...routingWarnings(config), ...clientVariableWarning(sources.env)],
  }
}

/** The same from the process's own environment and working directory: the only place where they are read. */
export function loadConfigOfProcess(options: Pick<Sources, 'file' | 'flags'> = {}): Loaded<Config> {
  return loadConfig({ cwd: process.cwd(), env: process.env, ...options })
}

/** A shell that is set up for a gateway exports it; obeying it would point the gateway at itself. */
function clientVariableWarning(env: Sources['env']): readonly string[] {
  if ((env.ANTHROPIC_BASE_URL ?? '') === '') return []
  return [
    'ANTHROPIC_BASE_URL is set and has no effect here: it tells clients where the gateway is. To change where the gateway sends calls, set ANTHROPIC_UPSTREAM_URL.',
  ]
}
