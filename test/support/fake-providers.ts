/** Small providers that speak their formats over real HTTP: one call of a tool after a few words, and its counts. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  // biome-ignore lint/suspicious/noExplicitAny: bodies are read by name in assertions.
  readonly body: any
  /** Whether the gateway broke the call off. */
  aborted: boolean
}

export type Behaviour =
  | 'answer'
  | 'stall'
  | 'cut'
  | { readonly status: number; readonly body: object; readonly headers?: Record<string, string> }

export interface FakeProviders {
  readonly url: string
  readonly received: readonly Received[]
  /** What the next call gets; then it answers again. */
  next(behaviour: Behaviour): void
  close(): Promise<void>
}

const said = 'Let me look — ü.'
const args = { path: '/tmp/a' }

interface Answer {
  readonly contentType: string
  readonly pieces: readonly string[]
}

export async function startFakeProviders(): Promise<FakeProviders> {
  const received: Received[] = []
  let behaviour: Behaviour = 'answer'
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const call: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
      aborted: false,
    }
    received.push(call)
    response.on('close', () => {
      call.aborted = !response.writableFinished
    })
    const now = behaviour
    behaviour = 'answer'
    reply(call, now, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    next(given) {
      behaviour = given
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function reply(call: Received, behaviour: Behaviour, response: ServerResponse): void {
  if (typeof behaviour === 'object') {
    response.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers })
    response.end(JSON.stringify(behaviour.body))
    return
  }
  const { contentType, pieces } = answerTo(call)
  response.writeHead(200, { 'content-type': contentType })
  if (behaviour === 'answer') {
    for (const piece of pieces) response.write(piece)
    response.end()
    return
  }
  for (const piece of pieces.slice(0, 3)) response.write(piece)
  if (behaviour === 'cut') response.end()
}

function answerTo({ path, body }: Received): Answer {
  if (path.includes(':streamGenerateContent')) return events(geminiChunks(), false)
  if (path.includes(':generateContent')) return whole(geminiWhole)
  if (path.endsWith('/messages')) return body.stream ? events(messageEvents(), true) : whole(messageWhole)
  return body.stream
    ? { ...events(chatChunks(), false), pieces: [...sse(chatChunks(), false), 'data: [DONE]\n\n'] }
    : whole(chatWhole)
}

const whole = (value: object): Answer => ({ contentType: 'application/json', pieces: [JSON.stringify(value)] })
const sse = (values: readonly object[], named: boolean): string[] =>
  values.map(
    (value) => `${named ? `event: ${(value as { type: string }).type}\n` : ''}data: ${JSON.stringify(value)}\n\n`,
  )
const events = (values: readonly object[], named: boolean): Answer => ({
  contentType: 'text/event-stream',
  pieces: sse(values, named),
})

const chatUsage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
const chatCall = { id: 'call_abc', type: 'function', function: { name: 'read', arguments: JSON.stringify(args) } }
const served = 'served-model'
const chatWhole = {
  ...{ id: 'c1', object: 'chat.completion', model: served },
  choices: [
    { index: 0, finish_reason: 'tool_calls', message: { role: 'assistant', content: said, tool_calls: [chatCall] } },
  ],
  usage: chatUsage,
}

function chatChunks(): readonly object[] {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...{ id: 'c1', object: 'chat.completion.chunk', model: served },
    choices: [{ index: 0, delta, finish_reason }],
  })
  const text = JSON.stringify(args)
  return [
    chunk({ role: 'assistant', content: '' }),
    ...[...said].map((content) => chunk({ content })),
    chunk({ tool_calls: [{ index: 0, ...chatCall, function: { name: 'read', arguments: '' } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: text.slice(0, 5) } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: text.slice(5) } }] }),
    chunk({}, 'tool_calls'),
    { id: 'c1', object: 'chat.completion.chunk', model: served, choices: [], usage: chatUsage },
  ]
}

const geminiUsage = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 }
const geminiWhole = {
  candidates: [
    {
      index: 0,
      finishReason: 'STOP',
      content: { role: 'model', parts: [{ text: said }, { functionCall: { name: 'read', args } }] },
    },
  ],
  usageMetadata: geminiUsage,
  modelVersion: served,
}

const geminiChunks = (): readonly object[] => [
  ...[...said].map((text) => ({
    candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] } }],
    modelVersion: served,
  })),
  {
    candidates: [
      { index: 0, finishReason: 'STOP', content: { role: 'model', parts: [{ functionCall: { name: 'read', args } }] } },
    ],
    usageMetadata: geminiUsage,
    modelVersion: served,
  },
]

const messageWhole = {
  ...{ id: 'msg_up', type: 'message', role: 'assistant', model: served, stop_reason: 'tool_use', stop_sequence: null },
  content: [
    { type: 'text', text: said },
    { type: 'tool_use', id: 'call_abc', name: 'read', input: args },
  ],
  usage: { input_tokens: 100, output_tokens: 20 },
}

function messageEvents(): readonly object[] {
  const text = JSON.stringify(args)
  const delta = (index: number, change: object) => ({ type: 'content_block_delta', index, delta: change })
  return [
    {
      type: 'message_start',
      message: { ...messageWhole, content: [], stop_reason: null, usage: { input_tokens: 100, output_tokens: 1 } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...[...said].map((piece) => delta(0, { type: 'text_delta', text: piece })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 'call_abc', name: 'read', input: {} },
    },
    delta(1, { type: 'input_json_delta', partial_json: text.slice(0, 5) }),
    delta(1, { type: 'input_json_delta', partial_json: text.slice(5) }),
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 20 } },
    { type: 'message_stop' },
  ]
}

/** What every one of them says. */
export const fakeAnswer = { text: said, args, usage: { input: 100, output: 20 }, model: served } as const
