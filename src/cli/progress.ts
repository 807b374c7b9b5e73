/** How far long work has come: a bar on a terminal, a line now and then elsewhere, nothing where it is soon done. */
import { type Clock, systemClock } from '../core/clock.ts'
import { printable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** How work tells how far it has come; `total` is absent as long as nobody knows it. Cheap: call it as often as you like. */
export type OnProgress = (done: number, total?: number) => void

export interface ProgressOptions {
  /** What is being done, such as `Restoring`. */
  readonly label: string
  /** What is counted, in the plural, such as `rows`; `bytes` are shown as kB, MB, GB. Left out: only time is told. */
  readonly unit?: string
  readonly total?: number
  readonly clock?: Clock
  /** Calls `tick` every so often until the returned function is called; tests tick by hand. */
  readonly every?: (ms: number, tick: () => void) => () => void
}

/** A line that tells how far long work is. */
export interface Progress {
  advance(by?: number): void
  readonly set: OnProgress
  /** A line for the reader, above the bar. */
  say(text: string): void
  /** The same, but only where something was shown already: what is soon done needs no words. */
  note(text: string): void
  /** The last line: what was done, how long it took. Nothing where nothing was shown. */
  finish(): void
  /** Takes the bar away without a word: somebody else says how it ended. */
  abandon(): void
}

/** Who waits for less does not wonder. */
const silentMs = 2_000
const redrawMs = 200
const plainLineMs = 10_000
/** The rate is that of the last so many samples; it follows a change of pace within ten seconds. */
const rateSamples = 50
const longestBar = 40
const shortestBar = 8

/** On a terminal one line that is written over; elsewhere a line now and then. */
export function startProgress(terminal: Terminal, options: ProgressOptions): Progress {
  const { label, unit, clock = systemClock, every = everyInterval } = options
  const isBar = terminal.errIsTty === true
  const startedAt = clock.monotonic()
  const samples: { at: number; done: number }[] = [{ at: startedAt, done: 0 }]
  let done = 0
  let total = options.total
  let nextLineAt = startedAt + silentMs
  let wasShown = false
  let isDrawn = false
  let ended = false

  const erase = (): void => {
    if (isDrawn) terminal.err(eraseLine)
    isDrawn = false
  }
  const draw = (now: number): void => {
    const state = { label, unit, done, total, rate: rateOf(samples), elapsedMs: now - startedAt }
    if (isBar) terminal.err(`${eraseLine}${renderBar(state, (terminal.columns ?? 80) - 1)}`)
    else terminal.err(`${renderLine(state)}\n`)
    isDrawn = isBar
    wasShown = true
  }
  const tick = (): void => {
    if (ended) return
    const now = clock.monotonic()
    samples.push({ at: now, done })
    if (samples.length > rateSamples) samples.shift()
    if (now < nextLineAt) return
    nextLineAt = now + (isBar ? redrawMs : plainLineMs)
    draw(now)
  }
  const say = (text: string): void => {
    erase()
    terminal.err(`${text}\n`)
  }
  const stopTicking = every(redrawMs, tick)
  const end = (): void => {
    ended = true
    stopTicking()
    erase()
  }
  return {
    advance: (by = 1) => {
      done += by
    },
    set: (newDone, newTotal) => {
      done = newDone
      if (newTotal !== undefined) total = newTotal
    },
    say,
    note(text) {
      if (wasShown && !ended) say(text)
    },
    finish() {
      if (ended) return
      end()
      const elapsedMs = clock.monotonic() - startedAt
      if (!wasShown && elapsedMs < silentMs) return
      const rate = unit === undefined ? '' : ` (${perSecond(done / elapsedMs, unit)})`
      const what = unit === undefined ? '' : `${amount(done, unit)} in `
      terminal.err(`${label}: ${what}${duration(elapsedMs)}${rate}\n`)
    },
    abandon() {
      if (!ended) end()
    },
  }
}

interface State {
  readonly label: string
  readonly unit: string | undefined
  readonly done: number
  readonly total: number | undefined
  /** Per millisecond; null while there is nothing to tell it from. */
  readonly rate: number | null
  readonly elapsedMs: number
}

/** `Restoring  42 % ━━━━━━━━╺───────  4,200 of 10,000 rows  1,200 rows/s  5 s left`, in at most `width` characters. */
export function renderBar(state: State, width: number): string {
  const { label, total, done } = state
  const words = factsOf(state, '').join('  ')
  const head = printable(label)
  const share = total === undefined || total <= 0 ? null : Math.min(1, done / total)
  if (share === null) return cut(`${head}  ${words}`, width)
  const start = `${head} ${percent(share)}`
  const room = Math.min(longestBar, width - characters(`${start}    ${words}`))
  return cut(room < shortestBar ? `${start}  ${words}` : `${start}  ${bar(share, room)}  ${words}`, width)
}

function renderLine(state: State): string {
  const { label, total, done } = state
  const share = total === undefined || total <= 0 ? '' : ` (${percent(Math.min(1, done / total)).trim()})`
  return `${printable(label)}: ${factsOf(state, share).join(', ')}`
}

function factsOf(state: State, share: string): string[] {
  const { unit, rate, elapsedMs } = state
  if (unit === undefined) return [duration(elapsedMs)]
  const facts = [`${count(state, unit)}${share}`, rate === null ? '' : perSecond(rate, unit), remaining(state)]
  return facts.filter((fact) => fact !== '')
}

function rateOf(samples: readonly { at: number; done: number }[]): number | null {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || last.at <= first.at) return null
  return Math.max(0, (last.done - first.done) / (last.at - first.at))
}

const bar = (share: number, width: number): string => {
  const full = Math.round(share * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** Not 100 % before it is. */
const percent = (share: number): string => `${String(Math.floor(share * 100)).padStart(3)} %`

function count({ done, total }: State, unit: string): string {
  if (total === undefined || total <= 0) return amount(done, unit)
  return unit === 'bytes' ? `${bytes(done)} of ${bytes(total)}` : `${whole(done)} of ${whole(total)} ${unit}`
}

function remaining({ done, total, rate }: State): string {
  if (total === undefined || rate === null || rate === 0 || done >= total) return ''
  return `${duration((total - done) / rate)} left`
}

const amount = (value: number, unit: string): string => (unit === 'bytes' ? bytes(value) : `${whole(value)} ${unit}`)
const perSecond = (perMs: number, unit: string): string => {
  const rate = perMs * 1_000
  if (unit === 'bytes') return `${bytes(rate)}/s`
  return `${rate < 10 && rate > 0 ? rate.toFixed(1) : whole(rate)} ${unit}/s`
}
const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** For people: `1.6 GB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  let size = value
  let at = 0
  while (size >= 999.5 && at < units.length - 1) {
    size /= 1_000
    at++
  }
  return `${at === 0 || size >= 99.5 ? Math.round(size) : size.toFixed(1)} ${units[at]}`
}

/** `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** To the start of the line, and blank to its end. The only control sequence; there is no colour to turn off. */
const eraseLine = '\r\u001b[K'

const characters = (text: string): number => [...text].length
const cut = (text: string, width: number): string => [...text].slice(0, Math.max(1, width)).join('')

function everyInterval(ms: number, tick: () => void): () => void {
  const timer = setInterval(tick, ms)
  // Progress is no reason to stay.
  timer.unref()
  return () => clearInterval(timer)
}
