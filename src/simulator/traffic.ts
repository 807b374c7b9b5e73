import { setMaxListeners } from 'node:events'
import type { Clock } from '../core/clock.ts'
import type { TrafficConfig } from './config.ts'
import { busyness } from './daily-curve.ts'
import { createRandom, type Random } from './random.ts'
import { type Answer, readAnswer } from './read-answer.ts'
import { type Sleep, sleepFor } from './sleep.ts'
import {
  AgentSession,
  createProjectPrompt,
  ScriptSession,
  type SessionCall,
  type TrafficSession,
} from './traffic-session.ts'

/** The HTTP client that traffic is sent with; the wiring gives it one. */
export type SendTraffic = (call: TrafficRequest) => Promise<TrafficResponse>

export interface TrafficRequest {
  readonly method: 'POST'
  readonly url: URL
  /** `host` among them: it names the domain of a caller without a key. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

export interface TrafficResponse {
  readonly status: number
  /** May throw when the answer breaks off. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface TrafficStats {
  readonly sent: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  /** Calls that were due while the bound of concurrency was reached. */
  readonly skipped: number
  readonly inFlight: number
}

export interface Traffic {
  start(): void
  /** Gives up what is in flight and resolves when nothing is left. */
  stop(): Promise<void>
  stats(): TrafficStats
}

/** Failures that a few calls ask the simulated provider for, by header. */
const wantedFailures = [
  'error=overloaded_error',
  'error=overloaded_error',
  'error=rate_limit_error;retry-after=3',
  'error=api_error',
  'error=invalid_request_error;message=prompt%20is%20too%20long',
  'error=overloaded_error;after-events=5',
  'cut;after-events=8',
] as const

const maxAnswerBytes = 8 * 1024 * 1024
const scriptShare = 0.2

/**
 * Sends plausible traffic: coding agents and small programs of several projects, at a rate that follows a compressed
 * day. Bounded: at most `concurrency` calls in flight and `sessions` conversations in memory.
 */
export function createTraffic(options: {
  target: URL
  /** Sent with every call of a domain (a client key, for instance). */
  headersOf: (domain: string) => Readonly<Record<string, string>>
  config: TrafficConfig
  seed: string
  clock: Clock
  send: SendTraffic
  sleep?: Sleep
}): Traffic {
  const { config, clock, sleep = sleepFor } = options
  const random = createRandom(`${options.seed}:traffic`)
  const sessions = new SessionPool(config, options.seed, random)
  const stopping = new AbortController()
  // One listener for each call in flight, bounded by the concurrency.
  setMaxListeners(0, stopping.signal)
  const counts = { sent: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0 }
  const inFlight = new Set<Promise<void>>()
  let loop: Promise<void> | undefined

  async function run(): Promise<void> {
    const startedAt = clock.monotonic()
    while (!stopping.signal.aborted) {
      const level = busyness(clock.monotonic() - startedAt, config.dayMinutes * 60_000, options.seed)
      await sleep(random.exponential(1_000 / (config.requestsPerSecond * level)), stopping.signal)
      if (stopping.signal.aborted) break
      const seat = inFlight.size < config.concurrency ? sessions.take() : undefined
      if (seat === undefined) counts.skipped++
      else track(call(seat))
    }
  }

  function track(work: Promise<void>): void {
    const done = work.finally(() => inFlight.delete(done))
    inFlight.add(done)
  }

  async function call(seat: Seat): Promise<void> {
    counts.sent++
    const leaves = random.chance(config.cancelRate)
    const simulate = random.chance(config.errorRate) ? random.pick(wantedFailures) : undefined
    let answer: Answer | null = null
    try {
      const request = toRequest(seat, simulate, stopping.signal)
      const response = await options.send(request)
      const body = await readText(response, leaves)
      answer = response.status === 200 ? readAnswer(body) : null
      if (answer === null) counts.failed++
      else counts.succeeded++
    } catch (error) {
      // Generated traffic has nobody to tell; the gateway's own record shows what went wrong.
      if (error instanceof CallerLeft || stopping.signal.aborted) counts.cancelled++
      else counts.failed++
    }
    seat.session.answered(answer)
    sessions.giveBack(seat)
  }

  function toRequest(seat: Seat, simulate: string | undefined, signal: AbortSignal): TrafficRequest {
    return {
      method: 'POST',
      url: new URL(seat.call.path, options.target),
      headers: {
        host: seat.domain,
        'content-type': 'application/json',
        ...seat.call.headers,
        ...(simulate === undefined ? {} : { 'x-simulate': simulate }),
        ...options.headersOf(seat.domain),
      },
      body: seat.call.body,
      signal,
    }
  }

  return {
    start: () => {
      loop ??= run()
    },
    stop: async () => {
      stopping.abort()
      await loop
      await Promise.all(inFlight)
    },
    stats: () => ({ ...counts, inFlight: inFlight.size }),
  }
}

class CallerLeft extends Error {}

/** Leaving the loop early destroys the body, and with it the call. */
async function readText(response: TrafficResponse, leaves: boolean): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error('the answer is larger than any the simulator gives')
    chunks.push(chunk)
    if (leaves) throw new CallerLeft()
  }
  return Buffer.concat(chunks).toString('utf8')
}

interface Seat {
  readonly domain: string
  readonly session: TrafficSession
  readonly call: SessionCall
}

/** The conversations that are alive; one that makes a call is out of the pool until it is answered. */
class SessionPool {
  readonly #idle: { domain: string; session: TrafficSession }[] = []
  readonly #config: TrafficConfig
  readonly #seed: string
  readonly #random: Random
  readonly #prompts: ReadonlyMap<string, ReturnType<typeof createProjectPrompt>>
  #alive = 0
  #made = 0

  constructor(config: TrafficConfig, seed: string, random: Random) {
    this.#config = config
    this.#seed = seed
    this.#random = random
    this.#prompts = new Map(
      config.domains.map((domain) => [domain, createProjectPrompt(createRandom(`${seed}:project:${domain}`))]),
    )
  }

  /** A session ready for its next call; undefined when all of them are busy. */
  take(): Seat | undefined {
    if (this.#alive < this.#config.sessions) {
      this.#idle.push(this.#make())
      this.#alive++
    }
    const index = this.#random.integer(0, Math.max(0, this.#idle.length - 1))
    const [taken] = this.#idle.splice(index, 1)
    return taken === undefined ? undefined : { ...taken, call: taken.session.next() }
  }

  giveBack({ domain, session }: Seat): void {
    if (session.finished) this.#alive--
    else this.#idle.push({ domain, session })
  }

  #make(): { domain: string; session: TrafficSession } {
    const random = createRandom(`${this.#seed}:session:${this.#made++}`)
    // The minimum of two draws: the first domains are the busiest.
    const highest = this.#config.domains.length - 1
    const domain = this.#config.domains[Math.min(random.integer(0, highest), random.integer(0, highest))] ?? 'demo'
    const prompt = this.#prompts.get(domain)
    const { maxContextBytes } = this.#config
    const script = prompt === undefined || random.chance(scriptShare)
    return {
      domain,
      session: script ? new ScriptSession(random) : new AgentSession({ random, prompt, maxContextBytes }),
    }
  }
}
