import pg from 'pg'
import type { Clock } from '../../core/clock.ts'
import { createBackoff } from '../backoff.ts'
import { isPooled, type PoolerSetting } from './pooler.ts'
import { connectionConfig } from './server.ts'

export interface Listener {
  /** True while the connection lives and answers: the database is there. */
  isUp(): boolean
  /** Calls `handler` with the payload of every notification until the returned function is called. */
  listen(channel: string, handler: (payload: string) => void): () => void
  close(): Promise<void>
}

interface ListenerOptions {
  readonly url: string
  readonly pooler: PoolerSetting
  readonly clock: Clock
  /** The database came or went; `error` says why it went. */
  readonly onChange: (up: boolean, error: unknown) => void
}

/** A server that is gone without a word (a cut cable) is noticed within this time. */
const pingMs = 5_000
/** Behind a pooler nothing is heard, so every handler is told to look for itself this often. */
const pollMs = 5_000
const firstRetryMs = 100
const longestRetryMs = 5_000

/**
 * The one connection that listens. It reconnects for ever, listens to its channels again, and so also tells whether the
 * database is there. After a reconnect each handler is called once with an empty payload: what was said in between is
 * lost, and whoever listens must look for itself. Behind a pooler that is all that handlers ever hear, every few seconds.
 */
export function createListener({ url, pooler, onChange }: ListenerOptions): Listener {
  const handlers = new Map<string, Set<(payload: string) => void>>()
  const backoff = createBackoff(firstRetryMs, longestRetryMs)
  let client: pg.Client | undefined
  let deaf = false
  let up = false
  let closed = false
  let connectedBefore = false
  let retry: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({ ...connectionConfig(url, 'listener'), query_timeout: pingMs })
    let lost = false
    const lose = (error: unknown): void => {
      if (lost) return
      lost = true
      if (client === fresh) client = undefined
      fresh.end().catch(() => undefined)
      change(false, error)
      if (!closed) retry = setTimeout(() => void connect(), backoff.next())
    }
    fresh.on('error', lose)
    fresh.on('end', () => lose(new Error('the connection ended')))
    fresh.on('notification', ({ channel, payload }) => tell(channel, payload ?? ''))
    try {
      await fresh.connect()
      deaf = await isPooled(fresh, pooler)
      if (!deaf) for (const channel of handlers.keys()) await fresh.query(`listen ${fresh.escapeIdentifier(channel)}`)
      if (lost) return
      if (closed) return lose(undefined)
      client = fresh
      backoff.reset()
      change(true, undefined)
      if (connectedBefore) for (const channel of handlers.keys()) tell(channel, '')
      connectedBefore = true
    } catch (error) {
      lose(error)
    }
  }

  const change = (next: boolean, error: unknown): void => {
    if (next === up && (next || connectedBefore)) return
    up = next
    if (!closed) onChange(next, error)
  }

  const tell = (channel: string, payload: string): void => {
    for (const handler of handlers.get(channel) ?? []) handler(payload)
  }

  /** One statement at a time on this connection: a `listen` waits for the ping before it, and so on. */
  let line: Promise<void> = Promise.resolve()
  const ask = (statement: (asked: pg.Client) => string): void => {
    line = line.then(async () => {
      const asked = client
      if (asked === undefined) return
      await asked.query(statement(asked)).catch((error: unknown) => void asked.emit('error', error))
    })
  }

  const ping = setInterval(() => ask(() => 'select 1'), pingMs)
  ping.unref()
  const poll = setInterval(() => {
    if (deaf && up) for (const channel of handlers.keys()) tell(channel, '')
  }, pollMs)
  poll.unref()
  void connect()

  return {
    isUp: () => up,
    listen(channel, handler) {
      const known = handlers.get(channel)
      if (known === undefined) {
        handlers.set(channel, new Set([handler]))
        if (!deaf) ask((asked) => `listen ${asked.escapeIdentifier(channel)}`)
      } else known.add(handler)
      return () => void handlers.get(channel)?.delete(handler)
    },
    async close() {
      closed = true
      clearInterval(ping)
      clearInterval(poll)
      clearTimeout(retry)
      await line
      await client?.end().catch(() => undefined)
      up = false
    },
  }
}
