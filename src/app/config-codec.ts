import type { Config } from '../config/schema.ts'
import { Secret } from '../core/secret.ts'

/** The effective configuration as text for a worker's private IPC channel, the one place where secrets are written out. */
export function encodeConfig(config: Config): string {
  return JSON.stringify(config, function (this: Record<string, unknown>, key: string, value: unknown) {
    // By now `value` is what the secret shows of itself; the holder still has the secret.
    const held = this[key]
    return held instanceof Secret ? { $secret: held.reveal() } : value
  })
}

/** The other way round: secrets are secrets again. */
export function decodeConfig(text: string): Config {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && '$secret' in value && typeof value.$secret === 'string'
      ? new Secret(value.$secret)
      : value,
  ) as Config // what `encodeConfig` of this very version wrote
}
