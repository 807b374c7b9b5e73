import { beforeEach, expect, test } from 'vitest'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { type LiveEventName, liveEvents } from '../contract/live.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import type { StreamWriter } from './http.ts'
import { createLiveHub, type LiveHub } from './live-hub.ts'

let now = 0
const clock = { now: () => now, monotonic: () => now }
let hub: LiveHub
let tick: () => void

beforeEach(() => {
  now = Date.UTC(2026, 8, 1, 12)
  hub = createLiveHub({
    clock,
    version: '0.1.0',
    clientsLimit: 2,
    every: (_ms, run) => {
      tick = run
      return () => {}
    },
  })
})

interface Seen {
  readonly id: string | undefined
  readonly name: string
  readonly data: { readonly id?: string; readonly resumed?: boolean; readonly [field: string]: unknown }
}

function connect(lastEventId?: string, writer: Partial<StreamWriter> = {}, holds = () => true) {
  let text = ''
  const closers: (() => void)[] = []
  const leave = () => {
    for (const close of closers) close()
  }
  const state = { ended: false, destroyed: false }
  hub.connect(
    {
      write(chunk) {
        text += chunk
        return true
      },
      queuedBytes: () => 0,
      end() {
        state.ended = true
        leave()
      },
      destroy() {
        state.destroyed = true
        leave()
      },
      onClose: (listener) => closers.push(listener),
      ...writer,
    },
    { lastEventId, holds },
  )
  const events = (): Seen[] =>
    text
      .split('\n\n')
      .filter((frame) => frame.includes('event: '))
      .map((frame) => ({
        id: /^id: (.*)$/m.exec(frame)?.[1],
        name: /^event: (.*)$/m.exec(frame)?.[1] ?? '',
        data: JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? 'null'),
      }))
  return { events, names: () => events().map((event) => event.name), text: () => text, leave, state }
}

const finished = (number: number, rest: Partial<RecordedExchange> = {}): RecordedExchange => ({
  ...closedExchange({ id: idOf(number), openedAt: now - 1500, closedAt: now }),
  costUsd: 0.5,
  priceSource: 'override',
  ...rest,
})
const idOf = (number: number): string => `01990000-0000-7000-8000-${String(number).padStart(12, '0')}`

test('tells every follower of an exchange as it opens and as it ends, in the shapes of the contract', () => {
  const followers = [connect(), connect()]
  hub.exchangeOpened(openedExchange({ id: idOf(1) }))
  hub.exchangeClosed(finished(1))
  tick()
  for (const follower of followers) {
    expect(follower.names()).toEqual(['hello', 'figures', 'opened', 'exchange', 'figures'])
    for (const event of follower.events())
      expect(() => liveEvents[event.name as LiveEventName].parse(event.data)).not.toThrow()
  }
})

test('counts a connection while it is open, and not a moment longer', () => {
  const follower = connect()
  expect(hub.connections()).toBe(1)
  follower.leave()
  expect(hub.connections()).toBe(0)
  connect()
  connect()
  expect(hub.isFull()).toBe(true)
})

test('a follower that comes back gets what it missed, once', () => {
  const before = connect()
  hub.exchangeClosed(finished(1))
  const lastEventId = before.events().at(-1)?.id
  before.leave()
  hub.exchangeClosed(finished(2))
  hub.exchangeClosed(finished(3))
  const after = connect(lastEventId)
  expect(after.events()[0]?.data.resumed).toBe(true)
  expect(
    after
      .events()
      .filter((event) => event.name === 'exchange')
      .map((event) => event.data.id),
  ).toEqual([idOf(2), idOf(3)])
})

test.each(['', 'another-process-5', 'nonsense'])(
  'an event id it does not know (%o) means: read the state anew',
  (lastEventId) => {
    hub.exchangeClosed(finished(1))
    const follower = connect(lastEventId)
    expect(follower.names()).toEqual(['hello', 'figures'])
    expect(follower.events()[0]?.data.resumed).toBe(false)
  },
)

test('a follower that was away for longer than the ring is told so', () => {
  const first = connect()
  const lastEventId = first.events().at(-1)?.id
  first.leave()
  for (let number = 0; number < 1100; number++) {
    if (number % 50 === 0) tick()
    hub.exchangeClosed(finished(number))
  }
  expect(connect(lastEventId).events()[0]?.data.resumed).toBe(false)
})

test('a burst is not sent one by one; the figures say how many were left out and stay exact', () => {
  const follower = connect()
  for (let number = 0; number < 500; number++) hub.exchangeClosed(finished(number))
  tick()
  expect(follower.names().filter((name) => name === 'exchange')).toHaveLength(50)
  expect(follower.events().at(-1)?.data).toMatchObject({
    skipped_events: 450,
    requests_last_minute: 500,
    cost_usd_last_minute: 250,
  })
  tick()
  expect(follower.events().at(-1)?.data).toMatchObject({ skipped_events: 0 })
})

test('figures are of the last sixty seconds and are told only when they change', () => {
  const follower = connect()
  hub.exchangeClosed(finished(1, { outcome: 'provider_error' }))
  hub.exchangeClosed(finished(2, { outcome: 'cancelled' }))
  tick()
  tick()
  const figures = follower.events().filter((event) => event.name === 'figures')
  expect(figures).toHaveLength(2)
  expect(figures[1]?.data).toMatchObject({ requests_last_minute: 2, failed_last_minute: 1, tokens_last_minute: 300 })
  now += 61_000
  tick()
  expect(follower.events().at(-1)?.data).toMatchObject({ requests_last_minute: 0, finished_total: 2 })
})

test('the snapshot has open calls oldest first, finished ones newest first, and the event to go on from', () => {
  for (const number of [1, 2, 3]) hub.exchangeOpened(openedExchange({ id: idOf(number) }))
  hub.exchangeClosed(finished(2))
  const { open, recent, open_total, last_event_id } = hub.snapshot()
  expect(open.map((one) => one.id)).toEqual([idOf(1), idOf(3)])
  expect({ open_total, recent: recent.map((one) => one.id) }).toEqual({ open_total: 2, recent: [idOf(2)] })
  hub.exchangeClosed(finished(1))
  const follower = connect(last_event_id)
  expect(follower.names()).toEqual(['hello', 'exchange', 'figures'])
})

test('a follower that does not read is dropped, the others notice nothing', () => {
  const healthy = connect()
  let queued = 0
  const slow = connect(undefined, {
    write(chunk) {
      queued += chunk.length
      return false
    },
    queuedBytes: () => queued,
  })
  hub.exchangeClosed(finished(1))
  now += 25_000
  tick()
  expect(slow.state.destroyed).toBe(true)
  expect(hub.connections()).toBe(1)
  hub.exchangeClosed(finished(2))
  expect(healthy.names()).toContain('exchange')
})

test('a follower whose buffer grows past the limit is dropped at once', () => {
  const slow = connect(undefined, { queuedBytes: () => 1024 * 1024 })
  expect(slow.state.destroyed).toBe(true)
})

test('says it is still here every 15 seconds, and ends what its session no longer holds', () => {
  let holds = true
  const follower = connect(undefined, {}, () => holds)
  now += 15_000
  tick()
  expect(follower.text()).toContain(': still here\n\n')
  holds = false
  now += 15_000
  tick()
  expect(follower.events().at(-1)).toMatchObject({ name: 'goodbye', data: { reason: 'session_expired' } })
  expect(follower.state.ended).toBe(true)
})

test('closing says goodbye to everyone and takes nobody new', () => {
  const follower = connect()
  hub.close()
  expect(follower.events().at(-1)).toMatchObject({ name: 'goodbye', data: { reason: 'shutting_down' } })
  expect(hub.isFull()).toBe(true)
})

test('what it keeps is bounded, whatever comes', () => {
  for (let number = 0; number < 12_000; number++) hub.exchangeOpened(openedExchange({ id: idOf(number) }))
  const { open, open_total, truncated } = hub.snapshot()
  expect({ shown: open.length, open_total, truncated }).toEqual({ shown: 200, open_total: 10_000, truncated: true })
})
