/** One follower of the live stream, who must never make the others wait. */
import type { Clock } from '../core/clock.ts'
import type { StreamWriter } from './http.ts'

/** About a thousand events: whoever is further behind reads the state anew instead. */
const queuedBytesLimit = 1024 * 1024
const blockedMsLimit = 20_000

export interface LiveClient {
  /** Sends a frame; drops the client instead when it does not keep up. */
  send(frame: string): void
  /** Drops the client if it has taken nothing for too long. */
  check(): void
  /** False once the session behind the connection has ended. */
  holds(): boolean
  end(): void
}

/** `holds` says whether the hub waits before it tells; the writer is one open answer of server-sent events. */
export function createLiveClient(writer: StreamWriter, clock: Clock, holds: () => boolean): LiveClient {
  let blockedAt: number | null = null
  let gone = false
  writer.onClose(() => {
    gone = true
  })
  function drop(): void {
    gone = true
    writer.destroy()
  }
  return {
    send(frame) {
      if (gone) return
      if (writer.queuedBytes() + frame.length > queuedBytesLimit) return drop()
      if (writer.write(frame)) blockedAt = null
      else blockedAt ??= clock.monotonic()
    },
    check() {
      if (gone || blockedAt === null) return
      if (writer.queuedBytes() === 0) blockedAt = null
      else if (clock.monotonic() - blockedAt > blockedMsLimit) drop()
    },
    holds,
    end() {
      if (gone) return
      gone = true
      writer.end()
    },
  }
}
