import type { Sql } from '../../sql.ts'

/** Transaction ids are 32 bits wide and go round; the server stops taking writes some three million before the end. */
const limit = 2 ** 31 - 3_000_000

/** Age of the oldest transaction id that is not frozen, of any database of the server: they share the limit. */
export async function transactionIds(sql: Sql) {
  const [row] = await sql.query<{ age: number }>(
    'database-transaction-ids',
    'SELECT max(age(datfrozenxid)) AS age FROM pg_database',
  )
  const age = row?.age ?? 0
  return { age, limit, ratio: age / limit }
}
