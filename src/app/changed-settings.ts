import type { Config } from '../config/schema.ts'
import { encodeConfig } from './config-codec.ts'

/** Paths of the settings in which two configurations differ; a list is one setting. Never a value. */
export function changedSettings(before: Config, after: Config): readonly string[] {
  return changedIn(plain(before), plain(after), [])
}

/** With secrets as they are, or a changed one would look the same. */
const plain = (config: Config): unknown => JSON.parse(encodeConfig(config))

function changedIn(before: unknown, after: unknown, path: readonly string[]): readonly string[] {
  if (isSection(before) && isSection(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      changedIn(before[key], after[key], [...path, key]),
    )
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.join('.')]
}

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('$secret' in value)
