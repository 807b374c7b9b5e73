import { expect, test, vi } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { createFakeLedger } from '../../test/support/fake-ledger.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import { silentLogger } from '../core/logger.ts'
import { startLedgerSource } from './ledger-source.ts'

const now = Date.UTC(2026, 8, 1, 12)
const idOf = (number: number): string => `01990000-0000-7000-8000-${String(number).padStart(12, '0')}`
const finished = (number: number, openedAt: number): RecordedExchange => ({
  ...closedExchange({ id: idOf(number), openedAt, closedAt: openedAt + 500 }),
  costUsd: 0,
  priceSource: 'none',
})

test('tells what is new in the ledger after each notification, once, oldest first, and nothing from before the start', async () => {
  const ledger = createFakeLedger()
  ledger.add(finished(1, now - 5000))
  let heard = () => {}
  const told: string[] = []
  const stop = startLedgerSource({
    listen: (handler) => {
      heard = handler
      return () => {
        heard = () => {}
      }
    },
    queries: ledger,
    observer: { exchangeOpened() {}, exchangeClosed: (exchange) => told.push(exchange.id) },
    clock: { now: () => now, monotonic: () => 0 },
    logger: silentLogger,
  })
  ledger.add(finished(3, now + 20), finished(2, now + 10))
  heard()
  heard()
  await vi.waitFor(() => expect(told).toEqual([idOf(2), idOf(3)]))
  expect(ledger.questions).toBe(1)

  ledger.failure = new Error('away')
  heard()
  await vi.waitFor(() => expect(ledger.questions).toBe(2))
  ledger.failure = null
  ledger.add(finished(4, now + 30))
  heard()
  await vi.waitFor(() => expect(told).toEqual([idOf(2), idOf(3), idOf(4)]))
  stop()
})
