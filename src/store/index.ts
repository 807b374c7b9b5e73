/** The ledger on PostgreSQL: what other rooms may take from here. */
export { type ClientKeys, keysChannel } from './client-keys.ts'
export { type StoreConfig, storeConfigSchema } from './config.ts'
export type { DatabaseReport } from './database-report.ts'
export { connectionUrl, readConnectionFile } from './drivers/embedded/connection-file.ts'
export {
  type ExportColumn,
  type ExportFormatName,
  type ExportQuestion,
  type ExportRow,
  encodeExport,
  exportColumns,
  exportFormats,
  restored,
} from './export/index.ts'
export type { LedgerImports, NamedCall } from './imports.ts'
export type { JobCounts, JobOutcome, JobRecord, JobRun, Jobs, JobTerms } from './jobs.ts'
export { type DataDirLock, lockDataDir } from './lock-data-dir.ts'
export type { Migration } from './migrate.ts'
export { openServer } from './open-server.ts'
export { type OpenStoreOptions, openStore } from './open-store.ts'
export { diskOf } from './queries/database/index.ts'
export type { Queries } from './queries/index.ts'
export { hasEmbeddedCluster, planMigration, runMigrations, wholeSchema } from './run-migrations.ts'
export type { Store } from './store.ts'
export { StoreError, type StoreErrorCode } from './store-error.ts'
export { exchangesChannel } from './writers/write-exchanges.ts'
