/** A recorder among real journals and a ledger in memory, for tests. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { ExchangeObserver, ExchangeOpened, RecordedExchange } from '../../src/core/exchange.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import { isMissing, type Journal, type JournalOptions, openJournal } from '../../src/journal/index.ts'
import { recorderConfigSchema } from '../../src/recorder/config.ts'
import { createPriceBook, createRecorder, type Recorder, type RecorderOptions } from '../../src/recorder/index.ts'
import { closedExchange, openedExchange } from './exchanges.ts'
import { temporaryDirectory } from './journals.ts'
import { MemoryLedger } from './ledgers.ts'

/** Every second of housekeeping is a hundredth of one: what it does shows without waiting. */
const quickClock: Clock = { now: systemClock.now, monotonic: () => systemClock.monotonic() * 100 }

/** An observer that remembers what it was told. */
export class Witness implements ExchangeObserver {
  readonly opened: ExchangeOpened[] = []
  readonly closed: RecordedExchange[] = []
  exchangeOpened(exchange: ExchangeOpened): void {
    this.opened.push(exchange)
  }
  exchangeClosed(exchange: RecordedExchange): void {
    this.closed.push(exchange)
  }
  get closedIds(): string[] {
    return this.closed.map((exchange) => exchange.id)
  }
}

/** The parts around a recorder: a data directory, who is alive, a ledger. */
export interface World {
  readonly directory: string
  readonly journalRoot: string
  readonly alive: Set<string>
  readonly ledger: MemoryLedger
}

export async function world(directory?: string): Promise<World> {
  const place = directory ?? (await temporaryDirectory())
  return { directory: place, journalRoot: path.join(place, 'journal'), alive: new Set(), ledger: new MemoryLedger() }
}

/** A gateway worker's journal. `die` is what a crash leaves: nothing more is written, nobody says goodbye. */
export function worker(at: World, name = 'w1', options: Partial<JournalOptions> = {}) {
  at.alive.add(name)
  const journal: Journal = openJournal({
    root: at.journalRoot,
    name,
    clock: systemClock,
    logger: silentLogger,
    segmentBytes: 8_192,
    ...options,
  })
  onTestFinished(() => journal.close())
  return {
    journal,
    open(rest: Partial<ExchangeOpened> = {}): ExchangeOpened {
      const opened = openedExchange({ id: uuidv7(systemClock.now()), openedAt: systemClock.now(), ...rest })
      journal.append(JSON.stringify(opened), 'soon')
      return opened
    },
    close(opened: ExchangeOpened): string {
      const closed = closedExchange({ ...opened, kind: 'closed', closedAt: systemClock.now() })
      journal.append(JSON.stringify(closed), 'now')
      return opened.id
    },
    call(): string {
      return this.close(this.open())
    },
    async die(): Promise<void> {
      await journal.close()
      at.alive.delete(name)
    },
  }
}

export async function startRecorder(
  at: World,
  witness: ExchangeObserver,
  rest: Partial<RecorderOptions['config']> = {},
  logger: Logger = silentLogger,
  files: RecorderOptions['files'] = {},
): Promise<Recorder> {
  const recorder = createRecorder({
    journalRoot: at.journalRoot,
    isAlive: (name) => at.alive.has(name),
    writeExchanges: at.ledger.write,
    priceBook: createPriceBook({ clock: systemClock, logger: silentLogger }),
    observers: [witness],
    clock: quickClock,
    logger,
    files,
    config: { ...recorderConfigSchema.parse({}), batchDelayMs: 5, ...rest },
  })
  await recorder.start()
  onTestFinished(() => recorder.stop({ drainMs: 0 }))
  return recorder
}

/**
 * The journals as a crash would leave them now. Nothing of ours writes during a synchronous copy, but a deletion or the
 * checkpoint's rename may be under way in another thread: segments go first, so that the checkpoint is never the older.
 */
export function copyDisk(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  const isDirectory = (name: string) => !name.startsWith('checkpoint')
  for (const name of readdirSync(from).filter(isDirectory)) {
    mkdirSync(path.join(to, name))
    for (const segment of readdirSync(path.join(from, name)))
      copyIfThere(path.join(from, name, segment), path.join(to, name, segment))
  }
  copyIfThere(path.join(from, 'checkpoint.json'), path.join(to, 'checkpoint.json'))
}

function copyIfThere(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

export const segmentsOf = (at: World, name = 'w1') => readdirSync(path.join(at.journalRoot, name)).length
/** Patience of those who wait for something to come true. */
export const within = { timeout: 15_000, interval: 10 }
