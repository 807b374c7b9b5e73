/** What rooms tell telemetry about themselves. Rooms take these as callbacks or offer them as states; app ties both. */

/** One SQL statement ended. `name` is the question's name, never SQL text or parameter values. */
export interface QueryFinished {
  readonly name: string
  readonly ms: number
  readonly rows: number
  readonly failed: boolean
}

/** One try to write a batch of records to the ledger ended. */
export interface LedgerFlushed {
  readonly ms: number
  readonly rows: number
  readonly failed: boolean
}

export interface DatabaseState {
  readonly up: boolean
  readonly pool: { readonly used: number; readonly idle: number; readonly waiting: number; readonly max: number }
  /** Size of the database; null or absent before it was asked for. */
  readonly sizeBytes?: number | null
}

/** The recorder's distance to the gateway. */
export interface RecorderState {
  /** Records read from the journal and not yet in the ledger. */
  readonly queueRows: number
  readonly queueBytes: number
  /** Age in seconds of the oldest record that is not in the ledger; 0 when there is none. */
  readonly lagSeconds: number
  /** Bytes of journal segments on disk. */
  readonly journalBytes: number
  readonly writtenTotal: number
  readonly writeErrorsTotal: number
  /** Records set aside or lost, by reason (closed set). */
  readonly droppedTotal: Readonly<Record<string, number>>
  /** Exchanges opened and not closed. */
  readonly openExchanges: number
}

/** How scheduled backups go. */
export interface BackupState {
  /** Runs of this process since its start. */
  readonly okTotal: number
  readonly failedTotal: number
  /** Of the last good one, of whichever instance on this database; null before there was one. Epoch milliseconds. */
  readonly lastSuccessAt: number | null
  readonly lastDurationMs: number | null
  readonly lastBytes: number | null
}

/** Whether the settings in effect are those of the file. */
export interface SettingsState {
  readonly current: boolean
  /** Epoch milliseconds of the last time that settings were read and taken. */
  readonly readAt: number
}

/** How the dropping of old partitions goes. */
export interface RetentionState {
  /** Runs of this process since its start, and what they freed. */
  readonly okTotal: number
  readonly failedTotal: number
  readonly bytesFreedTotal: number
  /** Of the last good run of whichever instance on this database; null before there was one. Epoch milliseconds. */
  readonly lastSuccessAt: number | null
  /** Days from now on for which the ledger has partitions without a gap; null before the first look. */
  readonly partitionDaysAhead: number | null
}

/** The state of one gateway worker's journal writer. */
export interface JournalState {
  readonly healthy: boolean
  readonly backlogBytes: number
  readonly writtenBytes: number
  readonly errorsTotal: number
  /** Longest time so far from a write to the end of the sync that covered it: what a power cut could have cost. */
  readonly longestExposureMs?: number
}
