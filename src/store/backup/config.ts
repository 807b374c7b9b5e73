import { z } from 'zod'

/** Backups that are made by themselves. */
export const backupConfigSchema = z.strictObject({
  dir: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Directory in which the running instance puts backups by itself, best on another disk; created with mode 0700 where missing. Without it there are none but those of `signalbox backup`. A relative path starts in the working directory.',
    )
    .meta({ env: 'BACKUP_DIR' }),
  everyHours: z
    .number()
    .min(0.1)
    .max(24 * 365)
    .default(24)
    .describe(
      'Hours from the beginning of one backup to the beginning of the next. One that failed is tried again sooner.',
    )
    .meta({ env: 'BACKUP_EVERY_HOURS' }),
  keep: z
    .int()
    .min(1)
    .max(10_000)
    .default(7)
    .describe(
      'Backups kept in that directory; older ones are deleted after a new one is whole. Other files are left alone.',
    )
    .meta({ env: 'BACKUP_KEEP' }),
  withPepper: z
    .boolean()
    .default(true)
    .describe(
      'Put what client keys are hashed with into the backup, so that the keys work where it is restored. A pepper that is set by KEY_PEPPER is never put in.',
    ),
})

export type BackupConfig = z.infer<typeof backupConfigSchema>
