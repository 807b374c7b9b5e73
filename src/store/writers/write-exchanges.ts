import type { ExchangeSource, ImportedExchange } from '../../core/exchange.ts'
import type { WriteExchanges, WriteImported } from '../../core/ledger.ts'
import type { Sql } from '../sql.ts'
import { codeOf } from '../store-error.ts'
import { ArrayArena } from './array-arena.ts'
import { exchangeColumns } from './exchange-columns.ts'
import { samplesOf } from './rate-limit-samples.ts'
import { storableJson } from './storable-json.ts'
import { isMissingPartition, UnreadableRecord, writeOrIsolate } from './write-or-isolate.ts'
import { writeStatements } from './write-statement.ts'

export { exchangesChannel } from './write-statement.ts'

/** Two recorders that took the same rows in a different order, in spite of all: the loser simply tries again. */
const deadlockTries = 3

/** Makes the partition that takes every row no other takes, where it was lost (see default-partition.ts). */
export type RepairPartitions = () => Promise<void>

const noRepair: RepairPartitions = () => Promise.resolve()

/** The writer of the ledger: one statement a batch, see write-statement.ts; a row at fault is found by halving the batch. */
export const createWriteExchanges = (sql: Sql, repair = noRepair): WriteExchanges => writerOf(sql, 'wire', repair)

/** The writer of imported history. */
export const createWriteImported = (sql: Sql, repair = noRepair): WriteImported => writerOf(sql, 'import', repair)

function writerOf(sql: Sql, source: ExchangeSource, repair: RepairPartitions): WriteImported {
  const write = async (batch: readonly ImportedExchange[]): Promise<number> => {
    try {
      return await writeBatch(sql, source, batch)
    } catch (error) {
      if (!isMissingPartition(error)) throw error
      await repair()
      return await writeBatch(sql, source, batch)
    }
  }
  return async (batch) => (batch.length === 0 ? { inserted: 0, rejected: [] } : await writeOrIsolate(write, batch))
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

/** Of a row of usual size, all its columns together. */
const usualRowBytes = 800

function encode(batch: readonly ImportedExchange[]): (Buffer | string)[] {
  try {
    const arena = new ArrayArena(batch.length * usualRowBytes + 4_096)
    return [...exchangeColumns.map((column) => column.encode(batch, arena)), storableJson(samplesOf(batch))]
  } catch (error) {
    throw new UnreadableRecord('A record can not be made into a row.', { cause: error })
  }
}
