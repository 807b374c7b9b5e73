import type { exportLedger, importCsvFile, importTranscripts } from '../app/history.ts'

/** History into the ledger and out of it, through the running instance's database or one started for the moment. */
export interface HistoryPrograms {
  readonly importTranscripts: typeof importTranscripts
  readonly importCsvFile: typeof importCsvFile
  readonly exportLedger: typeof exportLedger
}

export type ImportedTranscripts = Awaited<ReturnType<typeof importTranscripts>>
export type ImportedCsv = Awaited<ReturnType<typeof importCsvFile>>
