import type { Clock } from '../core/clock.ts'
import type { ExchangeClosed, ExchangeOpened } from '../core/exchange.ts'
import type { Logger } from '../core/logger.ts'
import type { UpstreamClient } from '../core/upstream.ts'
import type { GatewayConfig } from './config.ts'
import type { Router } from './routing/router.ts'
import type { Keyring } from './stages/authenticate.ts'

/** Everything the data plane is given. It knows no provider, no journal and no observer, only these. */
export interface Gateway {
  readonly config: GatewayConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly upstream: UpstreamClient
  readonly keys: Keyring
  /** Where calls go, and which of those places work at the moment. */
  readonly router: Router
  /** The account name for a caller's own credential: a keyed hash, never the credential. */
  accountOf(secret: string): string
  /**
   * Writes one record to the journal; false when it can take no more, so that new calls are shed. A closing record is in
   * the file when this returns; or, with `written`, when that is called, which lets the records of one turn share a write.
   */
  record(event: ExchangeOpened | ExchangeClosed, written?: () => void): boolean
  /** Sent along to tell a call that comes back to us; also what is looked for. */
  readonly instanceId: string
  /** Calls in flight, counted by the endpoints; read by the worker's metrics and by the drain. */
  readonly inFlight: InFlight
}

/** A stream between its first byte and its end. */
export interface OpenStream {
  /** Monotonic milliseconds. */
  readonly lastByteAt: number
}

/** Calls that have come and not ended. */
export class InFlight {
  count = 0
  draining = false
  #idle: (() => void)[] = []
  readonly #streams = new Set<OpenStream>()

  get openStreams(): number {
    return this.#streams.size
  }

  streamBegins(stream: OpenStream): void {
    this.#streams.add(stream)
  }

  /** Of one that never began it is nothing. */
  streamEnds(stream: OpenStream): void {
    this.#streams.delete(stream)
  }

  /** Longest time that any open stream has had no bytes; 0 when none is open. `now` is monotonic milliseconds. */
  oldestIdleSeconds(now: number): number {
    let oldest = now
    for (const { lastByteAt } of this.#streams) oldest = Math.min(oldest, lastByteAt)
    return (now - oldest) / 1_000
  }

  enter(): void {
    this.count++
  }

  leave(): void {
    this.count--
    if (this.count === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves once no call is in flight. */
  idle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }
}
