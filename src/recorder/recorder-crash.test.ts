import { cpSync, existsSync, readdirSync, utimesSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openedExchange } from '../../test/support/exchanges.ts'
import { temporaryDirectory } from '../../test/support/journals.ts'
import type { MemoryLedger } from '../../test/support/ledgers.ts'
import { copyDisk, segmentsOf, startRecorder, Witness, within, worker, world } from '../../test/support/recorders.ts'
import { systemClock } from '../core/clock.ts'
import type { ExchangeObserver, ExchangeOpened } from '../core/exchange.ts'

describe('calls that their gateway died with', () => {
  test('become interrupted rows, the same in every replay, and are told once', async () => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness)
    const gateway = worker(at)
    const done = gateway.call()
    const lost = gateway.open()
    await vi.waitFor(() => expect(recorder.state().openExchanges).toBe(1), within)
    const copy = await world(path.join(await temporaryDirectory(), 'copy'))
    await gateway.journal.close()
    // A whole second, because copying rounds what is finer.
    const diedAt = Math.ceil(systemClock.now() / 1_000) + 10
    utimesSync(path.join(at.journalRoot, 'w1', '00000001.seg'), diedAt, diedAt)
    cpSync(at.directory, copy.directory, { recursive: true, preserveTimestamps: true })
    await gateway.die()
    await recorder.drained()
    expect(at.ledger.ids).toEqual([done, lost.id])
    const row = at.ledger.rows.get(lost.id)
    expect(row).toMatchObject({
      outcome: 'interrupted',
      statusCode: 500,
      errorType: 'gateway_internal',
      errorMessage: 'the gateway stopped with this call in flight',
      usageSource: 'none',
      costUsd: 0,
      priceSource: 'none',
      openedAt: lost.openedAt,
      closedAt: diedAt * 1_000,
    })
    expect(witness.closedIds).toEqual([done, lost.id])
    expect(recorder.state().openExchanges).toBe(0)

    // A later life over the same files: what is no news stays untold, the interrupted call is told.
    const again = new Witness()
    const replay = await startRecorder(copy, again)
    await replay.drained()
    expect(copy.ledger.rows.get(lost.id)).toEqual(row)
    expect(again.opened).toEqual([])
    expect(again.closedIds).toEqual([lost.id])
  })

  test('are known although the segment in which they began is long gone', async () => {
    const at = await world()
    const first = await startRecorder(at, new Witness())
    const gateway = worker(at)
    const long = gateway.open()
    for (let n = 0; n < 100; n += 1) gateway.call()
    await first.drained()
    await vi.waitFor(() => expect(segmentsOf(at)).toBe(1), within)
    await first.stop({ drainMs: 0 })
    await gateway.die()
    const witness = new Witness()
    const second = await startRecorder(at, witness)
    await second.drained()
    expect(at.ledger.rows.size).toBe(101)
    expect(at.ledger.rows.get(long.id)).toMatchObject({ outcome: 'interrupted', domain: 'web' })
    expect(witness.closedIds).toEqual([long.id])
    expect(existsSync(path.join(at.journalRoot, 'w1'))).toBe(false)
  })

  test.each([5, 1_000])('are told while the ledger is away: a queue of %i rows', async (queueRows) => {
    const at = await world()
    const witness = new Witness()
    const recorder = await startRecorder(at, witness, { queueRows })
    at.ledger.mood = 'fails'
    const gateway = worker(at)
    const ids = Array.from({ length: 20 }, () => gateway.call())
    const lost = gateway.open()
    await gateway.die()
    await vi.waitFor(() => expect(witness.closedIds).toEqual([...ids, lost.id]), within)
    at.ledger.mood = 'works'
    await recorder.drained()
    expect(at.ledger.taken).toEqual([...ids, lost.id])
    expect(witness.closed).toHaveLength(21)
  })
})

describe('a recorder that is killed', () => {
  test('at any moment: the next one stores every completed call once and every open one as interrupted', async () => {
    const at = await world()
    const witness = new Witness()
    const shots: { directory: string; rows: MemoryLedger['rows']; closed: string[]; open: string[] }[] = []
    const closed: string[] = []
    const open = new Map<string, ExchangeOpened>()
    const shotsRoot = await temporaryDirectory()
    let moments = 0
    const moment = (): void => {
      moments += 1
      if (moments % 37 !== 0 || shots.length >= 40) return
      const directory = path.join(shotsRoot, String(shots.length))
      copyDisk(at.journalRoot, path.join(directory, 'journal'))
      shots.push({ directory, rows: new Map(at.ledger.rows), closed: [...closed], open: [...open.keys()] })
    }
    const observer: ExchangeObserver = {
      exchangeOpened: moment,
      exchangeClosed: (exchange) => {
        witness.exchangeClosed(exchange)
        moment()
      },
    }
    const usual = at.ledger.write
    const watched: MemoryLedger['write'] = async (batch) => {
      moment()
      const result = await usual(batch)
      moment()
      return result
    }
    Object.assign(at.ledger, { write: watched })
    const recorder = await startRecorder(at, observer, { batchRows: 3, queueRows: 12, batchDelayMs: 1 })
    const gateway = worker(at, 'w1', { segmentBytes: 4_096 })
    for (let n = 0; n < 600; n += 1) {
      const opened = gateway.open()
      // Flushes the opening, so that what the copies hold is known here.
      gateway.journal.append(JSON.stringify(openedExchange({ ...opened })), 'now')
      open.set(opened.id, opened)
      if (open.size > 5) {
        const [first] = open.values()
        if (first !== undefined) {
          open.delete(first.id)
          closed.push(gateway.close(first))
        }
      }
      moment()
      if (n % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await recorder.drained()
    expect(at.ledger.ids).toEqual(closed)
    expect(witness.closedIds).toEqual(closed)
    expect(shots.length).toBeGreaterThan(20)

    for (const shot of shots) {
      const after = await world(shot.directory)
      for (const [id, row] of shot.rows) after.ledger.rows.set(id, row)
      const told = new Witness()
      const next = await startRecorder(after, told)
      await next.drained()
      await next.stop({ drainMs: 0 })
      const outcomes = (outcome: string) =>
        [...after.ledger.rows.values()].flatMap((row) => (row.outcome === outcome ? row.id : []))
      expect(outcomes('ok')).toEqual(shot.closed)
      expect(outcomes('interrupted').sort()).toEqual([...shot.open].sort())
      expect(told.closedIds.sort()).toEqual([...shot.open].sort())
      expect(readdirSync(after.journalRoot)).toEqual(['checkpoint.json'])
      expect(next.state().droppedTotal).toEqual({
        unreadable: 0,
        rejected: 0,
        damaged: 0,
        open_forgotten: 0,
        set_aside_deleted: 0,
      })
      await rm(shot.directory, { recursive: true })
    }
  }, 120_000)

  test('while the gateway lives on: the next one tells only what is new', async () => {
    const at = await world()
    const first = await startRecorder(at, new Witness())
    const gateway = worker(at)
    gateway.call()
    const open = gateway.open()
    await first.drained()
    await first.stop({ drainMs: 0 })
    const witness = new Witness()
    const second = await startRecorder(at, witness)
    const late = gateway.call()
    gateway.close(open)
    await second.drained()
    expect(witness.opened.map((exchange) => exchange.id)).toEqual([late])
    expect(witness.closedIds).toEqual([late, open.id])
    expect(at.ledger.rows.size).toBe(3)
  })

  test('with a checkpoint that nobody can read: everything is stored again, which changes nothing', async () => {
    const at = await world()
    const first = await startRecorder(at, new Witness())
    const gateway = worker(at, 'w1', { segmentBytes: 1 << 20 })
    const ids = Array.from({ length: 20 }, () => gateway.call())
    await first.drained()
    await first.stop({ drainMs: 0 })
    await gateway.die()
    await writeFile(path.join(at.journalRoot, 'checkpoint.json'), '{"version":1,"jour')
    const witness = new Witness()
    const second = await startRecorder(at, witness)
    await second.drained()
    expect(at.ledger.ids).toEqual(ids)
    expect(witness.closed).toEqual([])
  })
})
