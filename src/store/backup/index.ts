/** Backups of the ledger: one file from one snapshot, on any PostgreSQL, and back. */
export { BackupError, type BackupErrorCode } from './backup-error.ts'
export { backupName, backupPath, dropOldBackups, prepareBackupDir, writeWholeFile } from './backup-file.ts'
export { type BackupConfig, backupConfigSchema } from './config.ts'
export type { Manifest, Summary } from './manifest.ts'
export {
  type CheckedBackup,
  checkBackup,
  checkTarget,
  type RestoreOptions,
  readManifest,
  restoreBackup,
} from './restore-backup.ts'
export { type BackupWritten, type WriteBackupOptions, writeBackup } from './write-backup.ts'
