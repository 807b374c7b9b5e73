import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../core/clock.ts'
import { composeAnswer } from './answer.ts'
import { asksForFailure, failureByChance, withoutFailure } from './chance-failure.ts'
import type { SimulatorConfig } from './config.ts'
import { lastUserText, readAsk } from './conversation.ts'
import { DirectiveError, type Directives, readDirectives, withoutDirectives } from './directives.ts'
import { ApiFailure, invalidRequest } from './failures.ts'
import { deliver } from './message-events.ts'
import { type MessagesRequest, readMessagesRequest } from './messages-request.ts'
import { isSimulatedModel, modelFamily, modelsPage, simulatedModels } from './models.ts'
import { type Plan, planAnswer, planFailure, planJson, wantedFailure } from './plan.ts'
import { countInputTokens, PromptCache } from './prompt-cache.ts'
import { createRandom, type Random } from './random.ts'
import { type LimitsFamily, RateLimits } from './rate-limits.ts'
import { credentialKind } from './served.ts'

/** A request as it came, body complete. */
export interface CallFacts {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** SHA-256 of the body, hex. */
  readonly sha256: string
}

/** What is drawn and found out for a call before it is answered. */
interface Call extends CallFacts {
  readonly account: string
  readonly random: Random
  readonly repetition: number
}

export interface Answered {
  readonly plan: Plan
  /** Present where the body was a valid Messages request. */
  readonly parsed?: MessagesRequest
}

/** The state of the provider and its decisions; no sockets here. */
export class SimulatedProvider {
  readonly #config: SimulatorConfig
  readonly #clock: Clock
  readonly #cache = new PromptCache()
  readonly #limits: RateLimits
  // How often a body came, by 16 bits of its hash: bounded, and a collision only draws other numbers.
  readonly #repetitions = new Uint32Array(65_536)

  constructor(config: SimulatorConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#limits = new RateLimits(config.rateLimits)
  }

  /** Decides the answer to one call and books it; never throws. `refused`: its body was already found unreadable. */
  decide(facts: CallFacts, refused?: ApiFailure): Answered {
    const slot = Number.parseInt(facts.sha256.slice(0, 4), 16)
    const repetition = this.#repetitions[slot] ?? 0
    this.#repetitions[slot] = repetition + 1
    const random = createRandom(`${this.#config.seed}:${facts.sha256}:${repetition}`)
    const account = createHash('sha256')
      .update(credentialOf(facts.headers) ?? '')
      .digest('hex')
      .slice(0, 16)
    try {
      if (refused !== undefined) throw refused
      return this.#route({ ...facts, account, random, repetition })
    } catch (error) {
      return { plan: planFailure(asFailure(error), requestIdOf(random), {}, 0) }
    }
  }

  #route(call: Call): Answered {
    const { method } = call
    const { pathname } = call.url
    const probe = pathname === '/' || pathname === '/api/hello'
    if (probe && (method === 'HEAD' || method === 'GET')) return { plan: emptyOk() }
    if (pathname.startsWith('/api/event_logging/') && method === 'POST')
      return { plan: planJson({}, requestIdOf(call.random), 0) }
    const endpoint = endpoints[pathname.startsWith('/v1/models/') ? '/v1/models' : pathname]
    if (endpoint === undefined) throw new ApiFailure('not_found_error', 'Not Found')
    if (method !== endpoint.method) throw new ApiFailure('invalid_request_error', 'Method Not Allowed', { status: 405 })
    if (this.#config.requireKey && credentialOf(call.headers) === undefined)
      throw new ApiFailure('authentication_error', 'x-api-key header is required')
    if (endpoint.name === 'models') return { plan: this.#models(call) }
    const parsed = readMessagesRequest(parseJson(call.body), endpoint.name)
    return { plan: this.#planParsed(call, parsed, endpoint.name), parsed }
  }

  #planParsed(call: Call, parsed: MessagesRequest, endpoint: 'messages' | 'count_tokens'): Plan {
    const model = withoutDirectives(parsed.model)
    const directives = this.#directives(call, parsed)
    if (this.#config.strictModels && !isSimulatedModel(model))
      throw new ApiFailure('not_found_error', `model: ${model}`)
    const random = directives.seed === undefined ? call.random : createRandom(`directive:${directives.seed}`)
    if (endpoint === 'count_tokens') return planCount(parsed, directives, random)
    return this.#message({ ...call, random }, parsed, directives, servedModel(model, directives))
  }

  #models(call: Call): Plan {
    const id = decodeURIComponent(call.url.pathname.slice('/v1/models/'.length))
    const requestId = requestIdOf(call.random)
    if (id === '') {
      const page = modelsPage(call.url.searchParams)
      if (page === undefined) throw invalidRequest('limit: Input should be between 1 and 1000')
      return planJson(page, requestId, 0)
    }
    const model = simulatedModels.find((row) => row.id === id || row.id.replace(/-\d{8}$/, '') === id)
    if (model === undefined) throw new ApiFailure('not_found_error', `model: ${id}`)
    return planJson(model, requestId, 0)
  }

  #directives(call: Call, parsed: MessagesRequest): Directives {
    const header = call.headers['x-simulate']
    const asked = readDirectives({
      model: parsed.model,
      text: lastUserText(parsed.messages),
      header: Array.isArray(header) ? header.join(';') : header,
    })
    if (asked.times !== undefined && call.repetition >= asked.times) return withoutFailure(asked)
    const unlucky = !asksForFailure(asked) && call.random.chance(this.#config.errorRate)
    return unlucky ? { ...asked, ...failureByChance(call.random) } : asked
  }

  #message(call: Call, parsed: MessagesRequest, directives: Directives, model: string): Plan {
    const { random } = call
    const requestId = requestIdOf(random)
    const messageId = `msg_01${random.base58(22)}`
    const ttftMs = directives.ttft ?? random.logNormal(this.#config.ttftMs)
    const tokensPerSecond = directives.tps ?? random.logNormal(this.#config.tokensPerSecond)
    const failure = wantedFailure(directives, parsed.stream)
    // An overloaded provider says so sooner than it would have answered.
    if (failure !== undefined) return planFailure(failure, requestId, directives, directives.ttft ?? ttftMs / 4)
    const blocks = composeAnswer(parsed, readAsk(parsed.messages), directives, random, this.#config.outputTokens)
    const delivered = deliver(
      blocks,
      { maxTokens: parsed.maxTokens, stopSequences: parsed.stopSequences, stopReason: directives['stop-reason'] },
      random,
    )
    const now = this.#clock.now()
    const split = this.#cache.use(parsed, call.account, now)
    const limitHeaders = this.#limits.spend({
      account: call.account,
      modelFamily: modelFamily(model),
      family: limitsFamily(call.headers, directives),
      spent: {
        input: split.input + split.write5m + split.write1h,
        output: delivered.outputTokens,
        cacheRead: split.cacheRead,
      },
      utilization: directives.utilization,
      now,
    })
    const headers = { ...limitHeaders, 'anthropic-organization-id': createRandom(call.account).uuid() }
    return planAnswer(
      {
        requestId,
        messageId,
        model,
        stream: parsed.stream,
        split,
        delivered,
        directives,
        ttftMs,
        tokensPerSecond,
        headers,
      },
      random,
    )
  }
}

const endpoints: Readonly<
  Record<string, { name: 'messages' | 'count_tokens' | 'models'; method: string } | undefined>
> = {
  '/v1/messages': { name: 'messages', method: 'POST' },
  '/v1/messages/count_tokens': { name: 'count_tokens', method: 'POST' },
  '/v1/models': { name: 'models', method: 'GET' },
}

function planCount(parsed: MessagesRequest, directives: Directives, random: Random): Plan {
  const requestId = requestIdOf(random)
  const failure = wantedFailure(directives, false)
  if (failure !== undefined) return planFailure(failure, requestId, directives, directives.ttft ?? 0)
  return planJson({ input_tokens: countInputTokens(parsed) }, requestId, directives.ttft ?? 0)
}

function emptyOk(): Plan {
  const empty = planJson({}, 'req_probe', 0)
  return { ...empty, headers: {}, parts: [{ atMs: 0, text: '' }] }
}

function asFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error
  return error instanceof DirectiveError ? invalidRequest(error.message) : new ApiFailure('api_error')
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // The engine's own message quotes the body; a prompt must not end up in somebody's error log.
    throw invalidRequest('The request body is not valid JSON.')
  }
}

function credentialOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['x-api-key']
  if (typeof key === 'string' && key !== '') return key
  return /^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]
}

function limitsFamily(headers: IncomingHttpHeaders, directives: Directives): LimitsFamily {
  const wanted = directives.limits
  if (wanted === 'api-key' || wanted === 'unified' || wanted === 'none') return wanted
  return credentialKind(credentialOf(headers) ?? '') === 'oauth' ? 'unified' : 'api-key'
}

/** The real API resolves an alias to the dated id and names that. */
function servedModel(requested: string, directives: Directives): string {
  const dated = simulatedModels.find(({ id }) => id.replace(/-\d{8}$/, '') === requested)
  return directives['served-model'] ?? dated?.id ?? requested
}

function requestIdOf(random: Random): string {
  return `req_011C${random.base58(20)}`
}
