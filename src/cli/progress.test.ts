import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InterruptedError, type LongWork, runLongWork } from './interruptible.ts'
import { bytes, duration, renderBar, startProgress } from './progress.ts'
import type { Terminal } from './terminal.ts'

function bench(errIsTty: boolean, columns = 80) {
  let now = 0
  let tick = (): void => undefined
  const said: string[] = []
  const terminal: Terminal = {
    out: () => undefined,
    err: (text) => void said.push(text),
    outIsTty: false,
    errIsTty,
    columns,
    showStacks: false,
  }
  const timing = {
    clock: { now: () => now, monotonic: () => now },
    every: (_ms: number, given: () => void) => {
      tick = given
      return () => {
        tick = () => undefined
      }
    },
  }
  return {
    said,
    terminal,
    timing,
    /** Lets time pass in the steps of the redraw, the work going on evenly. */
    pass(ms: number, step: (ms: number) => void = () => undefined) {
      for (let passed = 0; passed < ms; passed += 200) {
        now += 200
        step(200)
        tick()
      }
    },
  }
}

const rows = { label: 'Restoring', unit: 'rows' }

describe('away from a terminal', () => {
  test('work that is done within two seconds says nothing', () => {
    const { said, terminal, timing, pass } = bench(false)
    const progress = startProgress(terminal, { ...rows, total: 10, ...timing })
    pass(1_800, () => progress.advance())
    progress.note('nearly there')
    progress.finish()
    expect(said).toEqual([])
  })

  test('longer work says a line after two seconds, then every ten, and one at the end', () => {
    const { said, terminal, timing, pass } = bench(false)
    const progress = startProgress(terminal, { ...rows, total: 30_000, ...timing })
    pass(24_000, (ms) => progress.advance(ms))
    progress.finish()
    progress.finish()
    expect(said).toEqual([
      'Restoring: 2,000 of 30,000 rows (6 %), 1,000 rows/s, 28 s left\n',
      'Restoring: 12,000 of 30,000 rows (40 %), 1,000 rows/s, 18 s left\n',
      'Restoring: 22,000 of 30,000 rows (73 %), 1,000 rows/s, 8 s left\n',
      'Restoring: 24,000 rows in 24 s (1,000 rows/s)\n',
    ])
  })

  test('where the total is not known it is not invented', () => {
    const { said, terminal, timing, pass } = bench(false)
    const progress = startProgress(terminal, { label: 'Writing', unit: 'bytes', ...timing })
    pass(2_000, (ms) => progress.advance(ms * 1_500))
    expect(said).toEqual(['Writing: 3.0 MB, 1.5 MB/s\n'])
  })

  test('a total that is learned on the way counts from then on, and work that stands still promises no end', () => {
    const { said, terminal, timing, pass } = bench(false)
    const progress = startProgress(terminal, { ...rows, ...timing })
    progress.set(0, 50)
    pass(2_000)
    expect(said).toEqual(['Restoring: 0 of 50 rows (0 %), 0 rows/s\n'])
  })
})

test('where nothing can be counted only time is told', () => {
  const { said, terminal, timing, pass } = bench(false)
  const progress = startProgress(terminal, { label: 'Opening', ...timing })
  pass(2_400)
  progress.finish()
  expect(said).toEqual(['Opening: 2 s\n', 'Opening: 2 s\n'])
})

describe('on a terminal', () => {
  test('a bar is redrawn in place and gives way to the last line', () => {
    const { said, terminal, timing, pass } = bench(true)
    const progress = startProgress(terminal, { ...rows, total: 4_000, ...timing })
    pass(2_200, (ms) => progress.advance(ms))
    expect(said).toEqual([
      '\r\u001b[KRestoring  50 %  █████████░░░░░░░░  2,000 of 4,000 rows  1,000 rows/s  2 s left',
      '\r\u001b[KRestoring  55 %  █████████░░░░░░░░  2,200 of 4,000 rows  1,000 rows/s  2 s left',
    ])
    said.length = 0
    progress.finish()
    expect(said).toEqual(['\r\u001b[K', 'Restoring: 2,200 rows in 2 s (1,000 rows/s)\n'])
  })

  test('a line for the reader takes the place of the bar, which comes back below', () => {
    const { said, terminal, timing, pass } = bench(true)
    const progress = startProgress(terminal, { ...rows, total: 4_000, ...timing })
    pass(2_000, (ms) => progress.advance(ms))
    said.length = 0
    progress.note('half of it')
    pass(200)
    expect(said).toEqual(['\r\u001b[K', 'half of it\n', expect.stringContaining('Restoring  50 %')])
  })

  test('never is a line longer than the terminal is wide, nor has it control characters', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.string({ unit: 'binary', maxLength: 30 }),
        fc.nat(1e12),
        fc.option(fc.nat(1e12), { nil: undefined }),
        fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: null }),
        (width, label, done, total, rate) => {
          const line = renderBar({ label, unit: 'rows', done, total, rate, elapsedMs: 3_000 }, width)
          expect([...line].length).toBeLessThanOrEqual(width)
          expect(line).not.toMatch(/\p{Cc}/u)
        },
      ),
    )
  })
})

test('sizes and spans are told in two figures one can say aloud', () => {
  expect([0, 999, 1_000, 999_600, 123_456_789].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.0 MB', '123 MB'])
  expect([400, 59_400, 200_000, 7_500_000].map(duration)).toEqual(['0 s', '59 s', '3 min 20 s', '2 h 5 min'])
})

describe('Ctrl-C', () => {
  const longWork = ({ timing }: ReturnType<typeof bench>, signals: EventEmitter): LongWork => ({
    ...rows,
    ...timing,
    afterInterrupt: 'Nothing was changed.',
    signals,
  })
  const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

  test('lets the work stop cleanly and ends with 130 and what to do next', async () => {
    const around = bench(false)
    const signals = new EventEmitter()
    const running = runLongWork(around.terminal, longWork(around, signals), ({ signal }) => untilAborted(signal))
    signals.emit('SIGINT')
    const error: unknown = await running.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InterruptedError)
    expect(error).toMatchObject({ code: 130, message: 'Interrupted. Nothing was changed.' })
    expect(signals.listenerCount('SIGINT')).toBe(0)
  })

  test('pressed twice it waits for nothing', async () => {
    const around = bench(false)
    const signals = new EventEmitter()
    const running = runLongWork(around.terminal, longWork(around, signals), () => new Promise<void>(() => undefined))
    signals.emit('SIGINT')
    around.pass(1_000)
    signals.emit('SIGINT')
    await expect(running).rejects.toMatchObject({ code: 130, message: 'Stopped without waiting.' })
  })

  test('that comes too late changes nothing; a failure of its own stays what it is', async () => {
    const around = bench(false)
    const signals = new EventEmitter()
    const done = runLongWork(around.terminal, longWork(around, signals), async () => {
      signals.emit('SIGTERM')
      return 7
    })
    expect(await done).toBe(7)
    const failing = runLongWork(around.terminal, longWork(around, signals), () =>
      Promise.reject(new Error('disk full')),
    )
    await expect(failing).rejects.toThrow('disk full')
  })
})
