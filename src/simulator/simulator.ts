import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { SimulatorConfig } from './config.ts'
import { ApiFailure } from './failures.ts'
import { planJson } from './plan.ts'
import { type Answered, type CallFacts, SimulatedProvider } from './provider.ts'
import { readBody } from './read-body.ts'
import { type ServedCall, ServedLog, shownHeaders } from './served.ts'
import { type Sleep, sleepFor } from './sleep.ts'
import { type WrittenFacts, writePlan } from './writer.ts'

export interface Simulator {
  /** Answers one request; never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** The last answered calls, oldest first; empty unless `servedLog` is set. */
  served(): readonly ServedCall[]
  /** Breaks off what is being answered. */
  close(): void
}

/**
 * A provider that speaks Anthropic Messages without a network. Answers are decided by the configured seed and the bytes
 * of the request: the n-th call with one body is answered alike in every run, whatever else runs beside it.
 */
export function createSimulator(options: { config: SimulatorConfig; clock: Clock; sleep?: Sleep }): Simulator {
  const { config, clock, sleep = sleepFor } = options
  const log = new ServedLog(config.servedLog)
  const provider = new SimulatedProvider(config, clock)
  const open = new Set<AbortController>()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    open.add(gone)
    response.once('close', () => gone.abort())
    try {
      const at = clock.now()
      const { facts, refused } = await receive(request)
      const startedAt = clock.monotonic()
      const answered = decide(facts, refused)
      // What is left unread of a refused body must not be taken for the next request.
      if (refused !== undefined) response.setHeader('connection', 'close')
      const written = await writePlan(answered.plan, response, { clock, sleep, signal: gone.signal, startedAt })
      log.add(servedCall(at, facts, answered, written))
    } catch {
      response.destroy() // the caller left in the middle of its request: nobody is there to be answered
    } finally {
      open.delete(gone)
    }
  }

  async function receive(request: IncomingMessage): Promise<{ facts: CallFacts; refused?: ApiFailure }> {
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', 'http://simulator')
    const facts = (body: Buffer): CallFacts => ({
      method,
      url,
      headers,
      body,
      sha256: createHash('sha256').update(body).digest('hex'),
    })
    try {
      return { facts: facts(await readBody(request, config.maxBodyBytes)) }
    } catch (error) {
      if (error instanceof ApiFailure) return { facts: facts(Buffer.alloc(0)), refused: error }
      throw error
    }
  }

  function decide(facts: CallFacts, refused: ApiFailure | undefined): Answered {
    const asksForLog = log.enabled && facts.method === 'GET' && facts.url.pathname === '/__served'
    return asksForLog ? { plan: planJson({ served: log.list() }, 'req_served', 0) } : provider.decide(facts, refused)
  }

  return {
    handle: (request, response) => void answer(request, response),
    served: () => log.list(),
    close: () => {
      for (const controller of open) controller.abort()
    },
  }
}

function servedCall(at: number, facts: CallFacts, { plan, parsed }: Answered, written: WrittenFacts): ServedCall {
  const header = (name: string): string | null => {
    const value = facts.headers[name]
    return typeof value === 'string' ? value : null
  }
  return {
    at,
    method: facts.method,
    url: facts.url.pathname + facts.url.search,
    headers: shownHeaders(facts.headers),
    requestBytes: facts.body.length,
    requestSha256: facts.sha256,
    requestedModel: parsed?.model ?? null,
    stream: parsed?.stream ?? false,
    messageCount: parsed?.messages.length ?? 0,
    toolCount: parsed?.tools.length ?? 0,
    sessionId: header('x-claude-code-session-id'),
    agentId: header('x-claude-code-agent-id'),
    status: plan.status,
    answer: plan.answer,
    responseBytes: written.bytes,
    ended: written.ended,
  }
}
