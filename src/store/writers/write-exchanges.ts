import type { ExchangeSource, ImportedExchange } from '../../core/exchange.ts'
import type { RejectedRow, WriteExchanges, WriteImported } from '../../core/ledger.ts'
import type { Sql } from '../sql.ts'
import { codeOf } from '../store-error.ts'
import { storableJson } from './array-literals.ts'
import { exchangeColumns } from './exchange-columns.ts'
import { samplesOf } from './rate-limit-samples.ts'
import { writeStatements } from './write-statement.ts'

export { exchangesChannel } from './write-statement.ts'

/** Two recorders that took the same rows in a different order, in spite of all: the loser simply tries again. */
const deadlockTries = 3

/** The writer of the ledger: one statement a batch, see write-statement.ts; a row at fault is found by halving the batch. */
export const createWriteExchanges = (sql: Sql): WriteExchanges => writerOf(sql, 'wire')

/** The writer of imported history. */
export const createWriteImported = (sql: Sql): WriteImported => writerOf(sql, 'import')

function writerOf(sql: Sql, source: ExchangeSource): WriteImported {
  const write = (batch: readonly ImportedExchange[]): Promise<number> => writeBatch(sql, source, batch)
  return async (batch) => {
    if (batch.length === 0) return { inserted: 0, rejected: [] }
    const rejected: RejectedRow[] = []
    return { inserted: await writeOrSplit(write, batch, rejected), rejected }
  }
}

type Write = (batch: readonly ImportedExchange[]) => Promise<number>

async function writeOrSplit(
  write: Write,
  batch: readonly ImportedExchange[],
  rejected: RejectedRow[],
): Promise<number> {
  try {
    return await write(batch)
  } catch (error) {
    const reason = faultOfRow(error)
    if (reason === null) throw error
    const [only] = batch
    if (batch.length === 1 && only !== undefined) {
      rejected.push({ id: String(only.id), reason })
      return 0
    }
    const middle = batch.length >> 1
    const first = await writeOrSplit(write, batch.slice(0, middle), rejected)
    return first + (await writeOrSplit(write, batch.slice(middle), rejected))
  }
}

async function writeBatch(sql: Sql, source: ExchangeSource, batch: readonly ImportedExchange[]): Promise<number> {
  const { name, text } = writeStatements[source]
  const values = encode(batch)
  for (let turn = 1; ; turn++) {
    try {
      const [row] = await sql.query<{ inserted: number | string }>(name, text, values)
      return Number(row?.inserted ?? 0)
    } catch (error) {
      // 40P01: deadlock detected. 40001: serialization failure.
      const again = codeOf(error) === '40P01' || codeOf(error) === '40001'
      if (!again || turn >= deadlockTries) throw error
    }
  }
}

/** A record that is not of the shape it should be (an old journal, a defect). */
class UnreadableRecord extends Error {}

function encode(batch: readonly ImportedExchange[]): string[] {
  try {
    return [...exchangeColumns.map((column) => column.encode(batch)), storableJson(samplesOf(batch))]
  } catch (error) {
    throw new UnreadableRecord('A record can not be made into a row.', { cause: error })
  }
}

/**
 * Why a row will never be taken; null where the same row may be taken later. SQLSTATE classes 22 (data), 23 (integrity)
 * and 54 (limits, such as the size of an index row) are the row's own fault. The code alone is told: messages quote values.
 */
function faultOfRow(error: unknown): string | null {
  if (error instanceof UnreadableRecord) return 'unreadable record'
  const code = codeOf(error)
  return code !== undefined && /^(22|23|54)...$/.test(code) ? `SQLSTATE ${code}` : null
}
