/** A place to say things, one compact JSON line each. `event` is a stable snake_case name, `message` is for people. */
export interface Logger {
  debug(event: string, message: string, fields?: LogFields): void
  info(event: string, message: string, fields?: LogFields): void
  warn(event: string, message: string, fields?: LogFields): void
  error(event: string, message: string, fields?: LogFields): void
}

/** Flat fields; a field keeps one type for ever, and absent is better than null. Never a secret, never prompt text. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** For tests, and for parts that may not speak. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
