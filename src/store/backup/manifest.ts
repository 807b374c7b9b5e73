/** What a backup says of itself: the manifest at its beginning, the summary at its end. */
import { z } from 'zod'

export const formatName = 'signalbox-backup'
/** Raised where an older restore could not read a newer file. */
export const formatVersion = 1

export const manifestFile = 'manifest.json'
export const summaryFile = 'summary.json'
/** Part `part` of a table, in COPY's text form; parts end with a whole row. */
export const partFile = (table: string, part: number): string => `tables/${table}/${String(part).padStart(6, '0')}.copy`

/** Names go into SQL (quoted) and into file names: letters that need neither care. */
const name = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/)

/** As `pg_get_expr` writes them. They become SQL again, so nothing else is let in. */
const bound = z
  .string()
  .max(200)
  .regex(/^(?:DEFAULT|FOR VALUES FROM \((?:'[0-9 :.+-]+'|MINVALUE)\) TO \((?:'[0-9 :.+-]+'|MAXVALUE)\))$/)

const partition = z.object({
  name,
  bound,
  options: z.array(z.string().regex(/^[a-z_.]{1,60}=[A-Za-z0-9_.]{1,40}$/)).max(50),
})

const table = z.object({
  name,
  columns: z.array(name).min(1).max(500),
  /** Empty where the table is not partitioned. */
  partitions: z.array(partition).max(20_000),
})

/** Known before the first row. */
export const manifestSchema = z.object({
  format: z.literal(formatName),
  format_version: z.int().min(1),
  signalbox_version: z.string().max(100),
  /** When the snapshot was taken, by the clock of the machine that took it. */
  created_at: z.iso.datetime(),
  postgres_version: z.string().max(100),
  /** The steps that the schema had seen, in order. */
  migrations: z.array(z.string().max(200)).min(1).max(10_000),
  tables: z.array(table).max(1_000),
  sequences: z
    .array(z.object({ name, last_value: z.string().regex(/^-?\d{1,19}$/), is_called: z.boolean() }))
    .max(1_000),
  key_pepper: z.object({
    /** Tells whether two installations have the same pepper, and nothing of it; absent where it was not at hand. */
    fingerprint: z.string().max(100).optional(),
    /** Absent where the operator keeps it (KEY_PEPPER), or wished it left out. */
    value: z.string().min(1).max(1_000).optional(),
  }),
})
export type Manifest = z.infer<typeof manifestSchema>
export type TableEntry = Manifest['tables'][number]

/** Known after the last row. */
export const summarySchema = z.object({
  tables: z.array(z.object({ name, rows: z.int().min(0), bytes: z.int().min(0) })),
  /** Hex SHA-256 of every byte of the archive before this file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
export type Summary = z.infer<typeof summarySchema>
