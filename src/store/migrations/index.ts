import { sql as ledger } from './0001-ledger.ts'
import { sql as jobs } from './0002-jobs.ts'

/** All migrations in order: forwards only, never edited once released. */
export const migrations: readonly { readonly name: string; readonly sql: string }[] = [
  { name: '0001-ledger', sql: ledger },
  { name: '0002-jobs', sql: jobs },
]
