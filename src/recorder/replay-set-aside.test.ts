import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { temporaryDirectory } from '../../test/support/journals.ts'
import { MemoryLedger } from '../../test/support/ledgers.ts'
import { systemClock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import { silentLogger } from '../core/logger.ts'
import { createSetAside } from '../journal/index.ts'
import { createPriceBook } from './price-book.ts'
import { replaySetAside, summarizeSetAside } from './replay-set-aside.ts'

const priceBook = createPriceBook({ clock: systemClock, logger: silentLogger })

test('what was set aside is counted by reason, stored once it can be, and what is refused again stays', async () => {
  const directory = path.join(await temporaryDirectory(), 'journal-rejected')
  expect(await summarizeSetAside(directory)).toEqual({ reasons: [], damagedFiles: 0 })
  const setAside = createSetAside({ directory, logger: silentLogger, maxFileBytes: 4_000 })
  const ids = Array.from({ length: 12 }, () => uuidv7(systemClock.now()))
  for (const id of ids) {
    const exchange = { ...closedExchange({ id }), costUsd: 0.00035, priceSource: 'genai-prices' }
    await setAside.line({ reason: 'SQLSTATE 23514', at: 1, exchange })
  }
  const unread = uuidv7(systemClock.now())
  await setAside.line({ reason: 'kind is not a known name', record: JSON.stringify(closedExchange({ id: unread })) })
  await setAside.line({ reason: 'kind is not a known name', record: JSON.stringify(openedExchange()) })
  await setAside.line({ reason: 'not JSON', record: 'not json' })
  appendFileSync(path.join(directory, 'rejected.jsonl'), '{"half a li\n')
  appendFileSync(path.join(directory, 'w1-3-4096.raw'), 'damage')
  expect(readdirSync(directory).length).toBeGreaterThan(3)
  expect(await summarizeSetAside(directory)).toEqual({
    reasons: [
      { reason: 'SQLSTATE 23514', records: 12 },
      { reason: 'kind is not a known name', records: 2 },
      { reason: 'not JSON', records: 1 },
      { reason: 'a line that can not be read', records: 1 },
    ],
    damagedFiles: 1,
  })

  const ledger = new MemoryLedger()
  ledger.refuse = (row) => (row.id === ids[5] ? 'SQLSTATE 23514' : null)
  const replay = () => replaySetAside({ directory, writeExchanges: ledger.write, priceBook })
  ledger.mood = 'fails'
  await expect(replay()).rejects.toThrow('away')
  ledger.mood = 'works'
  expect(await replay()).toEqual({ stored: 12, known: 1, left: 3 })
  expect(ledger.ids.sort()).toEqual([...ids.filter((id) => id !== ids[5]), unread].sort())
  // Priced by the price list, as if it had been read at once.
  expect(ledger.rows.get(unread)).toMatchObject({ costUsd: 0.00035, priceSource: 'genai-prices' })
  expect(existsSync(path.join(directory, 'rejected.jsonl'))).toBe(false)

  // A recorder may have set the same aside again: known by its id.
  await setAside.line({
    reason: 'x',
    exchange: { ...closedExchange({ id: ids[0] ?? '' }), costUsd: 0, priceSource: 'none' },
  })
  ledger.refuse = () => null
  expect(await replay()).toEqual({ stored: 1, known: 1, left: 2 })
  expect(await summarizeSetAside(directory)).toMatchObject({
    reasons: [
      { reason: 'not JSON', records: 1 },
      { reason: 'a line that can not be read', records: 1 },
    ],
  })
  const [file = ''] = readdirSync(directory).filter((name) => name.endsWith('.jsonl'))
  expect(readFileSync(path.join(directory, file), 'utf8')).toContain('{"half a li\n')
})
