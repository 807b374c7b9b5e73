/** Why a backup or a restore did not happen, so that a caller can tell one from the other. */
export type BackupErrorCode =
  /** The file is no backup, or not a whole one. */
  | 'file_unusable'
  /** The file, or the database, is of a newer Signalbox than this. */
  | 'too_new'
  /** The database has rows, or somebody uses it. */
  | 'target_in_use'
  /** There is nothing to back up. */
  | 'no_ledger'
  /** What came out is not what went in; nothing was changed. */
  | 'not_equal'

/** A failure whose message is written for the person at the keyboard. */
export class BackupError extends Error {
  readonly code: BackupErrorCode

  constructor(code: BackupErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'BackupError'
    this.code = code
  }
}
