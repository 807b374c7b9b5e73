import type { RejectedRow } from '../../core/ledger.ts'
import { codeOf } from '../store-error.ts'

/** Writes a batch in one transaction and returns how many rows were new. */
export type WriteBatch<Row> = (batch: readonly Row[]) => Promise<number>

/** A record that is not of the shape it should be (an old journal, a defect). */
export class UnreadableRecord extends Error {}

/** Without one row taken by then, it is the database that refuses, not a row: a thousand rows need not be asked singly. */
const triesWithoutSuccess = 24

/**
 * Writes a batch and finds the rows that stand in the way of all others, by halving what fails. Throws where the same
 * batch may be taken later; rows written by then are known by their ids at the next try.
 */
export async function writeOrIsolate<Row extends { readonly id: string }>(
  write: WriteBatch<Row>,
  batch: readonly Row[],
): Promise<{ readonly inserted: number; readonly rejected: readonly RejectedRow[] }> {
  const rejected: RejectedRow[] = []
  /** Of a row that failed in a way that may be its own: whether it is, the others tell. */
  let suspicion: unknown = null
  let takenRows = 0
  let tries = 0

  const attempt = async (rows: readonly Row[]): Promise<number> => {
    try {
      tries += 1
      const inserted = await write(rows)
      takenRows += rows.length
      return inserted
    } catch (error) {
      const fault = faultOf(error)
      if (fault === 'database') throw error
      if (fault === 'unclear' && takenRows === 0 && tries >= triesWithoutSuccess) throw error
      const [only] = rows
      if (rows.length === 1 && only !== undefined) {
        rejected.push({ id: String(only.id), reason: reasonOf(error) })
        if (fault === 'unclear') suspicion = error
        return 0
      }
      const middle = rows.length >> 1
      const first = await attempt(rows.slice(0, middle))
      return first + (await attempt(rows.slice(middle)))
    }
  }

  const inserted = await attempt(batch)
  // Such a row alone waits for company: nothing stands behind it yet.
  if (suspicion !== null && takenRows === 0) throw suspicion
  return { inserted, rejected }
}

/**
 * Whose fault a failed write is. `row`: SQLSTATE classes 22 (data) and 54 (limits, such as the size of an index row).
 * `database`: it is away, full, busy, locked, read-only, not migrated, or missing a partition. `unclear`: all else, such as a
 * constraint or trigger that someone added, or a damaged page; then it is the row's if the ledger takes other rows.
 */
function faultOf(error: unknown): 'row' | 'database' | 'unclear' {
  if (error instanceof UnreadableRecord) return 'row'
  const code = codeOf(error)
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || isMissingPartition(error)) return 'database'
  if (/^(22|54)/.test(code)) return 'row'
  return /^(08|25|26|28|3D|3F|40|42|53|55|57|58|F0)/.test(code) ? 'database' : 'unclear'
}

/** No partition takes the row: a check violation (23514) like others, but of no constraint that has a name. */
export function isMissingPartition(error: unknown): boolean {
  if (codeOf(error) !== '23514' || typeof error !== 'object' || error === null) return false
  return !('constraint' in error) || error.constraint === undefined
}

/** The code alone is told: messages quote values. */
function reasonOf(error: unknown): string {
  return error instanceof UnreadableRecord ? 'unreadable record' : `SQLSTATE ${codeOf(error)}`
}
