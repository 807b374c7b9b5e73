import type { Clock } from '../core/clock.ts'
import { type DatabaseParts, type LastLook, readDatabase } from './queries/database/index.ts'
import type { RecentWaits } from './recent-waits.ts'
import type { Sql } from './sql.ts'

/** The database about itself. */
export interface DatabaseReport {
  /** Whether the server is ours, or somebody's whose address was configured. */
  readonly kind: 'embedded' | 'server'
  /** How long statements of this process waited for a connection lately, milliseconds; null before the first. */
  poolWaitP95Ms(): number | null
  /** Rejects where the database is away; a part that could not be had is null and named in `gaps`. */
  read(): Promise<DatabaseParts>
}

export function createDatabaseReport(options: {
  readonly sql: Sql
  readonly clock: Clock
  readonly kind: DatabaseReport['kind']
  readonly keepMs: (table: string) => number | null
  readonly waits: RecentWaits
}): DatabaseReport {
  // Kept between two looks: rates come out of their difference.
  const last: LastLook = { at: Number.NEGATIVE_INFINITY, commits: 0, walBytes: 0 }
  return {
    kind: options.kind,
    poolWaitP95Ms: options.waits.p95Ms,
    read: () => readDatabase(options.sql, options, last),
  }
}
