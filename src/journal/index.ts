export { isMissing, readTextFile, writeFileAtomically } from './atomic-file.ts'
export { type JournalConfig, journalConfigSchema } from './config.ts'
export { type Journal, type JournalOptions, openJournal } from './journal.ts'
export {
  type CursorStep,
  comparePositions,
  type JournalCursor,
  type JournalPosition,
  type JournalRecord,
  journalStart,
} from './journal-cursor.ts'
export { type JournalFiles, journalFiles } from './journal-files.ts'
export { createJournalReader, type JournalReader } from './journal-reader.ts'
export { createSetAside, type SetAside } from './set-aside.ts'
