/**
 * The live state of the page: one EventSource, one snapshot to start from, deltas after that. It lives outside React,
 * so that a burst of events costs one render a frame.
 */

import type { ExchangeSummary, OpenExchange } from '../../../src/contract/exchange.ts'
import { endpoints } from '../../../src/contract/index.ts'
import { type Figures, type Live, type LiveEvent, type LiveEventName, liveEvents } from '../../../src/contract/live.ts'
import { ApiFailure, call } from './client.ts'

export interface LiveState {
  /** `lost` while the stream is down and is tried again. */
  readonly connection: 'connecting' | 'live' | 'lost'
  /** Epoch milliseconds of the last word from the server; null before the first. */
  readonly heardAt: number | null
  readonly open: readonly OpenExchange[]
  readonly openTotal: number
  /** Newest first, at most `recentLimit`. */
  readonly recent: readonly ExchangeSummary[]
  readonly figures: Figures | null
  /** While paused, everything above but the connection stays as it was. */
  readonly paused: boolean
  /** Exchanges that finished since the pause began. */
  readonly missed: number
}

export interface LiveStore {
  get(): LiveState
  pause(paused: boolean): void
  subscribe(listener: () => void): () => void
  /** Opens the stream; the returned function closes it. */
  start(): () => void
}

const empty = { open: [], openTotal: 0, recent: [], figures: null }
const stillTold = ({ connection, heardAt, paused, missed }: LiveState) => ({ connection, heardAt, paused, missed })

const recentLimit = 200
const openLimit = 400
/** The server speaks at least every 15 s; a stream that is silent for longer is dead though nobody said so. */
const silenceMs = 40_000
const retryMs = 5_000

export function createLiveStore(onSignedOut: () => void): LiveStore {
  let state: LiveState = { ...empty, connection: 'connecting', heardAt: null, paused: false, missed: 0 }
  let shown = state
  let finishedAtPause = 0
  const listeners = new Set<() => void>()
  let frame = 0
  let source: EventSource | null = null
  let timers: number[] = []
  /** Events that came while a snapshot was under way; null at other times. */
  let held: { id: string; event: LiveEvent }[] | null = null
  let resyncTimer = 0

  function set(change: Partial<LiveState>): void {
    state = { ...state, ...change }
    shown = state.paused ? { ...shown, ...stillTold(state) } : state
    // Hidden pages get no animation frames, and need none.
    if (frame !== 0) return
    frame = requestAnimationFrame(() => {
      frame = 0
      for (const listener of listeners) listener()
    })
  }

  function apply(event: LiveEvent): void {
    if (event.name === 'opened') {
      set({ open: [...state.open, event.data].slice(-openLimit), openTotal: state.openTotal + 1 })
    } else if (event.name === 'exchange') {
      const open = state.open.filter((one) => one.id !== event.data.id)
      const missed = state.missed + (state.paused ? 1 : 0)
      set({
        open,
        openTotal: Math.max(open.length, state.openTotal - 1),
        recent: merge([event.data], state.recent),
        missed,
      })
    } else if (event.name === 'figures') {
      // Counts also what was too much to be sent one by one.
      const missed = state.paused ? Math.max(state.missed, event.data.finished_total - finishedAtPause) : 0
      set({ figures: event.data, openTotal: event.data.open, missed })
      if (event.data.skipped_events > 0 || event.data.open < state.open.length) resyncSoon()
    }
  }

  async function resync(): Promise<void> {
    if (held !== null) return
    held = []
    try {
      const snapshot = await call(endpoints.live)
      const later = (held ?? []).filter(({ id }) => sequenceOf(id) > sequenceOf(snapshot.last_event_id))
      held = null
      take(snapshot)
      for (const { event } of later) apply(event)
    } catch (error) {
      held = null
      if (error instanceof ApiFailure && error.status === 401) return onSignedOut()
      resyncSoon()
    }
  }

  function take(snapshot: Live): void {
    set({
      heardAt: Date.now(),
      open: snapshot.open,
      openTotal: snapshot.open_total,
      recent: merge(snapshot.recent, state.recent),
      figures: snapshot.figures,
    })
  }

  /** At most every two seconds, however many reasons there are. */
  function resyncSoon(): void {
    if (resyncTimer !== 0) return
    resyncTimer = window.setTimeout(() => {
      resyncTimer = 0
      if (source !== null) void resync()
    }, 2000)
  }

  function hear(name: LiveEventName, message: MessageEvent<string>): void {
    const parsed = liveEvents[name].safeParse(parse(message.data))
    if (!parsed.success) return // an event of a newer server
    const event = { name, data: parsed.data } as LiveEvent // name and data belong to each other by the line above
    set({ heardAt: Date.now(), connection: 'live' })
    if (event.name === 'hello') {
      if (!event.data.resumed || state.figures === null) void resync()
    } else if (event.name === 'goodbye') {
      if (event.data.reason === 'session_expired') onSignedOut()
    } else if (held !== null) held.push({ id: message.lastEventId, event })
    else apply(event)
  }

  function open(): void {
    source?.close()
    const opened = new EventSource(endpoints.sse.path)
    source = opened
    for (const name of Object.keys(liveEvents) as LiveEventName[])
      opened.addEventListener(name, (message: MessageEvent<string>) => hear(name, message))
    opened.addEventListener('error', () => {
      set({ connection: 'lost' })
      // The browser tries again by itself unless it was answered with an error; then we ask why.
      if (opened.readyState === EventSource.CLOSED) void explain(opened)
    })
  }

  async function explain(closed: EventSource): Promise<void> {
    const signedOut = await call(endpoints.session).then(
      () => false,
      (error: unknown) => error instanceof ApiFailure && error.status === 401,
    )
    if (source !== closed) return
    if (signedOut) return onSignedOut()
    timers.push(window.setTimeout(() => source === closed && open(), retryMs))
  }

  return {
    get: () => shown,
    pause(paused) {
      finishedAtPause = state.figures?.finished_total ?? 0
      set({ paused, missed: 0 })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    start() {
      open()
      const watch = window.setInterval(() => {
        if (state.heardAt === null || Date.now() - state.heardAt < silenceMs) return
        set({ connection: 'lost', heardAt: Date.now() - silenceMs / 2 })
        open()
      }, 5_000)
      return () => {
        source?.close()
        source = null
        held = null
        window.clearInterval(watch)
        window.clearTimeout(resyncTimer)
        resyncTimer = 0
        for (const timer of timers) window.clearTimeout(timer)
        timers = []
      }
    },
  }
}

/** Newest first by their end, each once. */
export function merge(fresh: readonly ExchangeSummary[], known: readonly ExchangeSummary[]): ExchangeSummary[] {
  const byId = new Map([...known, ...fresh].map((one) => [one.id, one]))
  return [...byId.values()]
    .sort((left, right) => (left.closed_at < right.closed_at ? 1 : left.closed_at > right.closed_at ? -1 : 0))
    .slice(0, recentLimit)
}

const sequenceOf = (eventId: string): number => Number(eventId.slice(eventId.lastIndexOf('-') + 1))

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not one of our events
  }
}
