/** A gateway without office, journal and configuration, and what its tests send through it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ClientKey } from '../../src/core/client-key.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { ExchangeClosed, ExchangeEvent } from '../../src/core/exchange.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Target } from '../../src/core/upstream.ts'
import { gatewayConfig } from '../../src/gateway/config.ts'
import { createGatewayRouter, InFlight, Router } from '../../src/gateway/index.ts'
import { listen } from '../../src/http/listener.ts'
import { createUpstreamClient } from '../../src/http/upstream-client.ts'
import { anthropic } from '../../src/providers/anthropic.ts'
import { toTarget } from '../../src/providers/define.ts'

/** How an upstream of a test answers a call, whose body has been read. */
export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** An upstream on a port of its own, gone when the test is over. */
export async function upstreamOf(answer: Answer): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    answer(request, response, Buffer.concat(chunks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface SmallGatewayOptions {
  readonly settings?: object
  readonly keys?: readonly (ClientKey & { readonly clear: string })[]
  readonly apiKey?: string
  readonly instanceId?: string
  readonly full?: () => boolean
}

/** Everything goes to one target, as in a gateway without routes. */
const routerTo = (target: Target): Router =>
  new Router(
    {
      table: { aliases: {}, rules: [], defaultProvider: target.provider, providers: new Set() },
      targetOf: () => target,
      minuteOfDay: () => 0,
      failoverOnRateLimit: false,
    },
    systemClock,
  )

/** The data plane alone, over a real listener and a real client, in front of one Anthropic-like upstream. */
export async function gatewayTo(baseUrl: string, options: SmallGatewayOptions = {}) {
  const events: ExchangeEvent[] = []
  const upstream = createUpstreamClient()
  const inFlight = new InFlight()
  const keys = options.keys ?? []
  const target = toTarget(anthropic, { baseUrl, ...(options.apiKey && { apiKey: new Secret(options.apiKey) }) })
  const handle = createGatewayRouter({
    config: gatewayConfig.parse(options.settings ?? {}),
    clock: systemClock,
    logger: silentLogger,
    upstream,
    keys: { isEmpty: keys.length === 0, find: (clear) => keys.find((key) => key.clear === clear) ?? null },
    router: routerTo(target),
    accountOf: () => 'caller-abc',
    record(event, written) {
      if (event.kind === 'opened' && options.full?.()) return false
      events.push(event)
      if (written !== undefined) setImmediate(written)
      return true
    },
    instanceId: options.instanceId ?? 'gw-test',
    inFlight,
  })
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PROXY_PORT',
    headTimeoutMs: 5000,
    maxHeaderBytes: 65_536,
    handle,
  })
  onTestFinished(async () => {
    await listener.close(0)
    await upstream.close()
  })
  const closed = async (): Promise<ExchangeClosed> => {
    for (let tries = 0; tries < 500; tries++) {
      const found = events.find((event) => event.kind === 'closed')
      if (found?.kind === 'closed') return found
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error('no exchange was closed')
  }
  return { url: listener.url, port: listener.port, events, closed, inFlight }
}

export const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x',
  content: [],
  stop_reason: 'end_turn',
  usage: {
    input_tokens: 7,
    output_tokens: 5,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 3 },
  },
}
export const frame = (type: string, rest: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`
export const streamFrames = [
  frame('message_start', { message: { ...message, stop_reason: null, usage: { ...message.usage, output_tokens: 1 } } }),
  frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Grüße 🚂 '.repeat(20) } }),
  frame('content_block_stop', { index: 0 }),
  frame('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } }),
  frame('message_stop', {}),
]
export const requestBody =
  '{ "model":"claude-x", "max_tokens": 1e2,"messages":[{"role":"user","content":"h\\u0069 \\/ 12345678901234567890"}], "stream":false }'
/** The answer's JSON; tests say what they expect of it. */
// biome-ignore lint/suspicious/noExplicitAny: only looked into by expectations.
export const jsonOf = async (response: Response): Promise<any> => response.json()
export const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/messages?beta=true`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
