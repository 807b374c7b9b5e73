/** What went wrong with the store, so that a caller can tell "say it and stop" from "wait and try again". */
export type StoreErrorCode =
  /** No PostgreSQL binaries for this platform: `DATABASE_URL` is the way out. */
  | 'unsupported_platform'
  /** The data directory can not be used: not writable, or owned by someone else. */
  | 'data_dir_unusable'
  /** Another instance uses the data directory. */
  | 'data_dir_locked'
  /** The embedded server does not start; the message carries the end of its log. */
  | 'server_failed'
  /** The database is away, or not migrated yet: try again later. */
  | 'unavailable'
  /** All connections for questions of the dashboard are taken: try again later. */
  | 'busy'
  /** The server's version is below the oldest that is supported. */
  | 'server_too_old'
  /** A newer Signalbox migrated the database. */
  | 'schema_newer'
  /** The database user may not make tables; the message has the statement that lets it. */
  | 'rights_missing'

/** A failure of the store whose message is written for the person who runs the gateway; it never carries a password. */
export class StoreError extends Error {
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

/** The message of anything thrown, for logs. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a Node system error or the SQLSTATE of a database error. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
