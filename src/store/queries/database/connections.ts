import type { Sql } from '../../sql.ts'
import type { ServerFacts } from './server-facts.ts'

interface Row {
  readonly purpose: string | null
  readonly state: string
  readonly connections: number
}

/** Who is connected to the whole server, against the most it takes. Our own sessions say what they are for in their name. */
export async function connections(sql: Sql, { max_connections: max, reserved }: ServerFacts) {
  const rows = await sql.query<Row>(
    'database-connections',
    `SELECT substring(application_name FROM '^signalbox (.{1,40})') AS purpose, coalesce(state, 'not told') AS state,
      count(*) AS connections
     FROM pg_stat_activity
     -- Without the right to see it, the kind of a session is null; those of a database are clients.
     WHERE coalesce(backend_type = 'client backend', datid IS NOT NULL)
     GROUP BY 1, 2`,
  )
  const ours = rows.flatMap(({ purpose, connections: count }) => (purpose === null ? [] : [[purpose, count] as const]))
  const used = rows.reduce((sum, row) => sum + row.connections, 0)
  return {
    max,
    reserved,
    used,
    ours: summed(ours).map(([purpose, count]) => ({ purpose, connections: count })),
    others: used - ours.reduce((sum, [, count]) => sum + count, 0),
    by_state: summed(rows.map((row) => [row.state, row.connections])).map(([state, count]) => ({
      state,
      connections: count,
    })),
  }
}

/** Adds up by name, largest first. */
function summed(pairs: readonly (readonly [string, number])[]): [string, number][] {
  const sums = new Map<string, number>()
  for (const [name, count] of pairs) sums.set(name, (sums.get(name) ?? 0) + count)
  return [...sums].sort(([, left], [, right]) => right - left)
}
