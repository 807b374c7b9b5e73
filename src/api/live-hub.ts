/**
 * What happens now, for everyone who watches: one observer of exchanges, one fan-out to all clients of `/api/sse`.
 * It lives on the journal alone, so it works while the database is away. Everything in it is bounded.
 */
import { randomBytes } from 'node:crypto'
import type { Figures, Live, LiveEvent } from '../contract/live.ts'
import type { Clock } from '../core/clock.ts'
import type { ExchangeObserver, ExchangeOpened, RecordedExchange } from '../core/exchange.ts'
import type { StreamWriter } from './http.ts'
import { createLastMinute } from './last-minute.ts'
import { createLiveClient, type LiveClient } from './live-client.ts'
import { iso, presentOpen, presentSummary } from './present.ts'

const tickMs = 1000
const heartbeatMs = 15_000
/** Events kept for clients that come back; at most a megabyte or so. */
const ringLimit = 1000
/** More than these in a second nobody reads: the rest is counted in `figures.skipped_events`. */
const eventsPerSecond = 50
const openLimit = 10_000
const shownLimit = 200

export interface LiveHub extends ExchangeObserver {
  /** The state to start from. */
  snapshot(): Live
  /** Whether another client would be over the limit. */
  isFull(): boolean
  /** Serves a client until it leaves, falls behind, or `holds` turns false. */
  connect(writer: StreamWriter, options: { readonly lastEventId: string | undefined; holds(): boolean }): void
  /** Open connections; the gauge `signalbox_sse_connections`. */
  connections(): number
  /** Says goodbye to all clients and stops the timer. */
  close(): void
}

export interface LiveHubOptions {
  readonly clock: Clock
  readonly version: string
  readonly clientsLimit: number
  /** Runs a function every `ms` until the returned function is called; tests turn the hand themselves. */
  readonly every?: (ms: number, run: () => void) => () => void
}

interface RingEvent {
  readonly sequence: number
  readonly frame: () => string
}

export function createLiveHub({ clock, version, clientsLimit, every = everyInterval }: LiveHubOptions): LiveHub {
  // Sequence numbers start anew with the process, so ids carry which process counted.
  const epoch = randomBytes(6).toString('base64url').replaceAll('-', '_')
  const clients = new Set<LiveClient>()
  const open = new Map<string, ExchangeOpened>()
  const recent: RecordedExchange[] = []
  const ring: RingEvent[] = []
  const lastMinute = createLastMinute()
  let sequence = 0
  let finishedTotal = 0
  let sentThisSecond = 0
  let skipped = 0
  let lastFigures = ''
  let lastHeartbeat = clock.monotonic()
  let closed = false
  let stopTicking: (() => void) | null = null

  const idOf = (number: number): string => `${epoch}-${number}`

  function figures(): Figures {
    const sums = lastMinute.sums(clock.now())
    return {
      at: iso(clock.now()),
      open: open.size,
      requests_last_minute: sums.requests,
      failed_last_minute: sums.failed,
      tokens_last_minute: sums.tokens,
      cost_usd_last_minute: sums.costUsd,
      finished_total: finishedTotal,
      skipped_events: skipped,
    }
  }

  /** Nothing is serialised until somebody watches, and then once for all. */
  function publish(event: () => LiveEvent): void {
    if (sentThisSecond >= eventsPerSecond) {
      skipped += 1
      return
    }
    sentThisSecond += 1
    sequence += 1
    const number = sequence
    let text: string | null = null
    const frame = (): string => {
      text ??= frameOf(event(), idOf(number))
      return text
    }
    ring.push({ sequence, frame })
    if (ring.length > ringLimit) ring.shift()
    for (const client of clients) client.send(frame())
  }

  function tick(): void {
    sentThisSecond = 0
    const now = figures()
    const { at, ...told } = now
    const text = JSON.stringify(told)
    const beat = clock.monotonic() - lastHeartbeat >= heartbeatMs
    if (text !== lastFigures || beat) sendAll(frameOf({ name: 'figures', data: now }, idOf(sequence)))
    lastFigures = text
    skipped = 0
    for (const client of clients) client.check()
    if (!beat) return
    // The comment keeps proxies from closing a quiet stream; pages can not see it, so the figures are sent as well.
    lastHeartbeat = clock.monotonic()
    sendAll(': still here\n\n')
    for (const client of clients) if (!client.holds()) dismiss(client, 'session_expired')
  }

  function sendAll(frame: string): void {
    for (const client of clients) client.send(frame)
  }

  function dismiss(client: LiveClient, reason: 'shutting_down' | 'session_expired'): void {
    client.send(frameOf({ name: 'goodbye', data: { reason } }, null))
    client.end()
  }

  /** The events after `lastEventId`, or null where some of them are gone. */
  function missed(lastEventId: string | undefined): readonly RingEvent[] | null {
    if (lastEventId === undefined || !lastEventId.startsWith(`${epoch}-`)) return null
    const seen = Number(lastEventId.slice(epoch.length + 1))
    const oldest = ring[0]?.sequence ?? sequence + 1
    if (!Number.isInteger(seen) || seen > sequence || seen < oldest - 1) return null
    return ring.slice(seen + 1 - oldest)
  }

  // The seconds must pass while nobody watches, too, as they bound what goes into the ring.
  stopTicking = every(tickMs, tick)

  return {
    exchangeOpened(exchange) {
      const oldest = open.keys().next()
      if (open.size >= openLimit && !oldest.done) open.delete(oldest.value)
      open.set(exchange.id, exchange)
      publish(() => ({ name: 'opened', data: presentOpen(exchange) }))
    },
    exchangeClosed(exchange) {
      open.delete(exchange.id)
      finishedTotal += 1
      lastMinute.add(exchange)
      recent.push(exchange)
      if (recent.length > shownLimit * 2) recent.splice(0, shownLimit)
      publish(() => ({ name: 'exchange', data: presentSummary(exchange, 'wire') }))
    },
    snapshot() {
      const shown = [...open.values()].slice(0, shownLimit)
      return {
        at: iso(clock.now()),
        open: shown.map(presentOpen),
        open_total: open.size,
        truncated: open.size > shown.length,
        recent: recent
          .slice(-shownLimit)
          .reverse()
          .map((exchange) => presentSummary(exchange, 'wire')),
        figures: figures(),
        last_event_id: idOf(sequence),
        dashboard_clients: clients.size,
      }
    },
    isFull: () => closed || clients.size >= clientsLimit,
    connect(writer, { lastEventId, holds }) {
      const client = createLiveClient(writer, clock, holds)
      clients.add(client)
      writer.onClose(() => clients.delete(client))
      const replay = missed(lastEventId)
      const hello = { at: iso(clock.now()), resumed: replay !== null, version }
      const helloId = replay === null || lastEventId === undefined ? idOf(sequence) : lastEventId
      client.send(`retry: 2000\n${frameOf({ name: 'hello', data: hello }, helloId)}`)
      for (const event of replay ?? []) client.send(event.frame())
      client.send(frameOf({ name: 'figures', data: figures() }, idOf(sequence)))
      if (closed) dismiss(client, 'shutting_down')
    },
    connections: () => clients.size,
    close() {
      closed = true
      stopTicking?.()
      stopTicking = null
      for (const client of clients) dismiss(client, 'shutting_down')
    },
  }
}

/** One event in the wire format of https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON has no line breaks. */
function frameOf(event: LiveEvent, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`
}

function everyInterval(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}
