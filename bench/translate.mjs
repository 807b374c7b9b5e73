// @ts-check
/**
 * What translating costs on the main thread: `node bench/translate.mjs [--dist dist] [--ms 400]`. Needs a build. A request
 * of 200 KB must take at most 3 ms at p50; a stream's figure is per event.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { requestBody } from './lib/bodies.mjs'
import { median } from './lib/stats.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values } = parseArgs({
  options: { dist: { type: 'string', default: join(root, 'dist') }, ms: { type: 'string', default: '400' } },
})
const dist = resolve(values.dist)
const forMs = Number(values.ms)
if (!existsSync(join(dist, 'main.js'))) throw new Error(`${dist}/main.js is missing: run \`npm run build\` first`)

/** @param {string} path @returns {Promise<any>} */
const built = (path) => import(pathToFileURL(join(dist, path)).href)
const { openAiChat, chatQuirks } = await built('dialects/openai-chat/index.js')
const { openAiResponses } = await built('dialects/openai-responses/index.js')
const { gemini } = await built('dialects/gemini/index.js')
const { parseMessagesRequest } = await built('core/messages.js')

let sink = 0

/** Calls of the body that nobody answers get a result, as no provider takes them without. @param {any} request */
function answered(request) {
  const { messages } = request
  for (let index = 0; index < messages.length; index += 1) {
    if (messages[index].role !== 'assistant') continue
    /** @param {any} message @param {string} type */
    const blocks = (message, type) => (message?.content ?? []).filter((/** @type {any} */ block) => block.type === type)
    const done = new Set(
      blocks(messages[index + 1], 'tool_result').map((/** @type {any} */ block) => block.tool_use_id),
    )
    const open = blocks(messages[index], 'tool_use').filter((/** @type {any} */ call) => !done.has(call.id))
    if (open.length === 0) continue
    if (messages[index + 1] === undefined) messages.push({ role: 'user', content: [] })
    messages[index + 1].content.unshift(
      ...open.map((/** @type {any} */ call) => ({ type: 'tool_result', tool_use_id: call.id, content: 'done' })),
    )
  }
  return request
}

/** @param {string} name @param {number} divide @param {number | null} limitMs @param {() => number} act */
function time(name, divide, limitMs, act) {
  /** @type {number[]} */
  const each = []
  const began = performance.now()
  while (performance.now() - began < forMs * 2) {
    const from = performance.now()
    sink += act()
    if (from - began > forMs) each.push((performance.now() - from) / divide) // the first half warms up
  }
  each.sort((a, b) => a - b)
  const p50 = median(each)
  const p99 = each[Math.floor(each.length * 0.99)] ?? p50
  const verdict =
    limitMs === null ? '' : p50 <= limitMs ? `  ≤ ${limitMs} ms: holds` : `  > ${limitMs} ms: DOES NOT HOLD`
  console.log(
    `${(p50 * 1000).toFixed(2).padStart(10)} µs p50 ${(p99 * 1000).toFixed(2).padStart(10)} µs p99  ${name}${verdict}`,
  )
}

console.log(`Node ${process.version}\n`)

const body = Buffer.from(JSON.stringify(answered(JSON.parse(requestBody('200k', true).toString()))))
const request = parseMessagesRequest(body)
time('parse of a 200 KB request', 1, null, () => parseMessagesRequest(body).messages.length)
for (const [name, quirks] of Object.entries(chatQuirks)) {
  const target = { provider: name, model: 'm', facts: {}, userHash: 'h' }
  const dialect = openAiChat(quirks)
  time(`200 KB request to ${name}`, 1, 3, () => dialect.toUpstream(request, target).body.length)
}
time('200 KB request to openai, Responses', 1, 3, () => {
  const target = { provider: 'openai', model: 'm', facts: {}, userHash: 'h' }
  return openAiResponses.toUpstream(request, target).body.length
})

/** Tools as Claude Code and MCP servers declare them: half of the 200 KB is schemas, which Gemini wants in words of its own. */
const tools = Array.from({ length: 100 }, (_, at) => ({
  name: `mcp__server__tool_${at}`,
  description: 'Does what its name says, in the way that its server describes at some length. '.repeat(4),
  input_schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [
        `field_${index}`,
        index % 2 === 0
          ? { anyOf: [{ type: 'string', format: 'uri' }, { type: 'null' }], description: 'An address' }
          : { type: 'integer', exclusiveMinimum: 0, description: 'How many of them' },
      ]),
    ),
    required: ['field_0'],
    additionalProperties: false,
  },
}))
const half = JSON.parse(requestBody('200k', true).toString())
const withTools = parseMessagesRequest(
  Buffer.from(JSON.stringify(answered({ ...half, messages: half.messages.slice(0, half.messages.length / 2), tools }))),
)
for (const model of ['gemini-3-pro-preview', 'gemini-2.5-flash']) {
  const target = { provider: 'gemini', model, facts: {}, userHash: null }
  time(`200 KB request to ${model}`, 1, 3, () => gemini.toUpstream(request, target).body.length)
  time(`the same size, half of it tools, to ${model}`, 1, 3, () => gemini.toUpstream(withTools, target).body.length)
}

const events = Array.from({ length: 1000 }, (_, at) => {
  const delta = at < 300 ? { reasoning_content: ` thought ${at}` } : { content: ` word ${at} “said”\n` }
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
  return Buffer.from(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`)
})
const end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
const whole = Buffer.concat([...events, Buffer.from(end)])
const context = () => ({
  messageId: 'msg_1',
  model: 'opus',
  estimatedInputTokens: 1,
  target: { provider: 'p', model: 'm', facts: {}, userHash: null },
  toolNames: new Map(),
  request: parseMessagesRequest(Buffer.from('{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}]}')),
  newCallId: () => 'toolu_1',
})
for (const [name, quirks] of Object.entries({ openai: chatQuirks.openai, compatible: chatQuirks.compatible })) {
  time(`an event of a stream from ${name}, one a chunk`, events.length, null, () => {
    const stream = openAiChat(quirks).translateStream(context())
    let length = 0
    for (const event of events) length += stream.push(event).length
    return length + stream.push(Buffer.from(end)).length + stream.finish().length
  })
  time(`an event of a stream from ${name}, all at once`, events.length, null, () => {
    const stream = openAiChat(quirks).translateStream(context())
    return stream.push(whole).length + stream.finish().length
  })
}

const item = { type: 'message', id: 'msg_0123456789', role: 'assistant', content: [] }
const deltas = [
  { type: 'response.output_item.added', output_index: 0, item },
  ...Array.from({ length: 1000 }, (_, at) => ({
    type: 'response.output_text.delta',
    item_id: item.id,
    output_index: 0,
    content_index: 0,
    sequence_number: at,
    delta: ` word ${at} “said”\n`,
    obfuscation: 'aB3dE6g',
  })),
  { type: 'response.completed', response: { status: 'completed', output: [] } },
].map((event) => Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`))
time('an event of a stream from openai, Responses, one a chunk', deltas.length, null, () => {
  const stream = openAiResponses.translateStream(context())
  let length = 0
  for (const event of deltas) length += stream.push(event).length
  return length + stream.finish().length
})
const chunks = Array.from({ length: 1000 }, (_, at) => {
  const part = at < 300 ? { text: ` thought ${at}`, thought: true } : { text: ` word ${at} “said”\n` }
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: at, totalTokenCount: 9 + at }
  const candidate = { content: { parts: [part], role: 'model' }, index: 0, ...(at === 999 && { finishReason: 'STOP' }) }
  return Buffer.from(`data: ${JSON.stringify({ candidates: [candidate], usageMetadata, modelVersion: 'm' })}\r\n\r\n`)
})
time('an event of a stream from gemini, one a chunk', chunks.length, null, () => {
  const stream = gemini.translateStream(context())
  let length = 0
  for (const chunk of chunks) length += stream.push(chunk).length
  return length + stream.finish().length
})
if (sink === 0) throw new Error('nothing was translated')
