import { createReadStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { RecordedExchange } from '../core/exchange.ts'
import type { WriteExchanges } from '../core/ledger.ts'
import type { PriceBook } from '../core/pricing.ts'
import { isMissing, writeFileAtomically } from '../journal/index.ts'
import { type Defect, parseExchange } from './parse-exchange.ts'

/** What lies in the files of set-aside records. */
export interface SetAsideSummary {
  /** Records by the reason they were set aside for, most first. */
  readonly reasons: readonly { readonly reason: string; readonly records: number }[]
  /** Files of damaged bytes of the journal, which hold no record that could be read. */
  readonly damagedFiles: number
}

/** What became of the records that were set aside. */
export interface Replayed {
  /** Rows that the ledger took now, and those that it had. */
  readonly stored: number
  readonly known: number
  /** Records that stay set aside, for a reason of today. */
  readonly left: number
}

const batchRows = 500

const lineSchema = z.looseObject({
  reason: z.string(),
  exchange: z.looseObject({ costUsd: z.number(), priceSource: z.string() }).optional(),
  record: z.string().optional(),
})
type Line = z.infer<typeof lineSchema>

/** Counts what is set aside in a directory; changes nothing. */
export async function summarizeSetAside(directory: string): Promise<SetAsideSummary> {
  const counts = new Map<string, number>()
  for (const file of await filesOf(directory)) {
    for await (const text of linesOf(path.join(directory, file))) {
      const reason = lineOf(text)?.reason ?? 'a line that can not be read'
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
    }
  }
  const reasons = [...counts].map(([reason, records]) => ({ reason, records }))
  return {
    reasons: reasons.sort((left, right) => right.records - left.records),
    damagedFiles: (await namesIn(directory)).filter((name) => name.endsWith('.raw')).length,
  }
}

/**
 * Tries to store what was set aside, once what was in its way is gone: a newer version that reads it, a constraint that was
 * dropped. Idempotent by the ids of the exchanges; what the ledger still refuses stays. A recorder may run meanwhile, and
 * set aside more. Rejects where the database or the disk does: what was done by then is done, and found again as known.
 */
export async function replaySetAside(options: {
  directory: string
  writeExchanges: WriteExchanges
  priceBook: PriceBook
}): Promise<Replayed> {
  const { directory } = options
  await moveCurrent(directory)
  const sum = { stored: 0, known: 0, left: 0 }
  for (const name of (await filesOf(directory)).filter((one) => one !== current)) {
    const file = path.join(directory, name)
    for (let isWhole = false; !isWhole; ) {
      const bytes = (await stat(file)).size
      const { left, ...counts } = await replayFile(file, options)
      // A recorder that was writing when the file was moved has finished its line by now; then all is read once more.
      isWhole = (await stat(file)).size === bytes
      if (!isWhole) continue
      if (left.length === 0) await rm(file)
      else await writeFileAtomically(file, left.map((line) => `${line}\n`).join(''))
      sum.stored += counts.stored
      sum.known += counts.known
      sum.left += left.length
    }
  }
  return sum
}

const current = 'rejected.jsonl'

/** The file that recorders append to becomes one of those that nobody writes to any more. */
async function moveCurrent(directory: string): Promise<void> {
  const numbers = (await filesOf(directory)).flatMap((name) => Number(/^rejected\.(\d+)\./.exec(name)?.[1] ?? 0))
  try {
    await rename(path.join(directory, current), path.join(directory, `rejected.${Math.max(0, ...numbers) + 1}.jsonl`))
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

async function replayFile(
  file: string,
  { writeExchanges, priceBook }: { writeExchanges: WriteExchanges; priceBook: PriceBook },
): Promise<{ stored: number; known: number; left: string[] }> {
  const result = { stored: 0, known: 0, left: [] as string[] }
  let batch: { readonly text: string; readonly line: Line; readonly exchange: RecordedExchange }[] = []
  const flush = async (): Promise<void> => {
    const { inserted, rejected } = await writeExchanges(batch.map(({ exchange }) => exchange))
    const reasons = new Map(rejected.map(({ id, reason }) => [id, reason]))
    for (const { line, exchange } of batch) {
      const reason = reasons.get(exchange.id)
      if (reason !== undefined) result.left.push(JSON.stringify({ ...line, reason }))
    }
    result.stored += inserted
    result.known += batch.length - rejected.length - inserted
    batch = []
  }
  for await (const text of linesOf(file)) {
    const line = lineOf(text)
    const exchange = line === null ? null : exchangeOf(line, priceBook)
    if (line === null) result.left.push(text)
    // The end of that call has a record of its own, or the call became a row as interrupted.
    else if (exchange === 'opened') result.known += 1
    else if (exchange === null || exchange.kind === 'defect')
      result.left.push(exchange === null ? text : JSON.stringify({ ...line, reason: exchange.reason }))
    else batch.push({ text, line, exchange })
    if (batch.length >= batchRows) await flush()
  }
  if (batch.length > 0) await flush()
  return result
}

function exchangeOf(line: Line, priceBook: PriceBook): RecordedExchange | Defect | 'opened' | null {
  const text = line.record ?? (line.exchange === undefined ? null : JSON.stringify(line.exchange))
  if (text === null) return null
  const event = parseExchange(text)
  if (event.kind === 'opened') return 'opened'
  // Priced anew, by the prices of its time: the refusal may have been the price's.
  return event.kind === 'defect' ? event : { ...event, ...priceBook.price(event) }
}

function lineOf(text: string): Line | null {
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== '') yield line
  }
}

/** Oldest first, the current one last. */
async function filesOf(directory: string): Promise<string[]> {
  const numberOf = (name: string): number =>
    Number(/^rejected\.(\d+)\.jsonl$/.exec(name)?.[1] ?? Number.MAX_SAFE_INTEGER)
  return (await namesIn(directory))
    .filter((name) => /^rejected(\.\d+)?\.jsonl$/.test(name))
    .sort((left, right) => numberOf(left) - numberOf(right))
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
