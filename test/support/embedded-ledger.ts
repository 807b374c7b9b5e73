import { readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'

/** Reads the ledger of a data directory behind Signalbox's back. Every question opens a connection of its own. */
export interface EmbeddedLedger {
  /** Outcome by exchange id, of all rows. Throws where an id has two rows. */
  outcomes(): Promise<ReadonlyMap<string, string>>
  /** Rows of the ledger, and the sums of the rollups over all their buckets. */
  counts(): Promise<{ rows: number; rollups: Readonly<Record<string, number>> }>
}

export function embeddedLedger(dataDir: string): EmbeddedLedger {
  return {
    async outcomes() {
      const rows = await query(dataDir, 'SELECT id, outcome FROM api_requests')
      const outcomes = new Map(rows.map(({ id, outcome }) => [String(id), String(outcome)]))
      if (outcomes.size !== rows.length) throw new Error(`${rows.length - outcomes.size} exchanges are stored twice`)
      return outcomes
    },
    async counts() {
      const [row] = await query(
        dataDir,
        `SELECT (SELECT count(*) FROM api_requests) AS rows,
                (SELECT coalesce(sum(requests), 0) FROM rollup_minute) AS minute,
                (SELECT coalesce(sum(requests), 0) FROM rollup_hour) AS hour,
                (SELECT coalesce(sum(requests), 0) FROM rollup_day) AS day`,
      )
      const of = (name: string): number => Number(row?.[name])
      return { rows: of('rows'), rollups: { minute: of('minute'), hour: of('hour'), day: of('day') } }
    },
  }
}

async function query(dataDir: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const file: unknown = JSON.parse(readFileSync(path.join(dataDir, 'connection.json'), 'utf8'))
  if (typeof file !== 'object' || file === null || !('url' in file) || typeof file.url !== 'string')
    throw new Error('connection.json has no url')
  const client = new pg.Client({ connectionString: file.url, connectionTimeoutMillis: 5_000, query_timeout: 20_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}
