import { isJson, type Json } from '../core/messages.ts'
import { invalidRequest } from './failures.ts'
import { signatureHolds } from './signature.ts'

/** What the simulator needs of a Messages body; everything else in it is an open list and stays unlooked-at. */
export interface MessagesRequest {
  readonly model: string
  readonly messages: readonly Message[]
  /** `system` as blocks; a plain string becomes one text block. */
  readonly system: readonly Json[]
  readonly tools: readonly Json[]
  readonly toolChoice: Json | undefined
  readonly maxTokens: number
  readonly stream: boolean
  readonly stopSequences: readonly string[]
  readonly thinking: { readonly on: boolean; readonly display: unknown; readonly budget: number | undefined }
  /** The JSON schema of a structured answer (`output_config.format` or `output_format`). */
  readonly outputSchema: Json | undefined
  /** `cache_control` of the body itself: the last block is marked automatically. */
  readonly cacheControl: Json | undefined
  readonly userId: string | undefined
}

export interface Message {
  readonly role: string
  /** Content as blocks; a plain string becomes one text block. */
  readonly blocks: readonly Json[]
}

const maxBreakpoints = 4

/**
 * Checks a parsed body the way the real API does, with its wording.
 * @throws ApiFailure invalid_request_error naming the field.
 */
export function readMessagesRequest(body: unknown, kind: 'messages' | 'count_tokens'): MessagesRequest {
  if (!isJson(body)) throw invalidRequest('The request body is not a JSON object.')
  if (body.model === undefined) throw invalidRequest('model: Field required')
  if (typeof body.model !== 'string' || body.model === '') throw invalidRequest('model: Input should be a valid string')
  if (kind === 'messages') checkMaxTokens(body.max_tokens)
  if (body.messages === undefined) throw invalidRequest('messages: Field required')
  if (!Array.isArray(body.messages)) throw invalidRequest('messages: Input should be a valid list')
  if (body.messages.length === 0) throw invalidRequest('messages: at least one message is required')
  if (body.stream !== undefined && typeof body.stream !== 'boolean')
    throw invalidRequest('stream: Input should be a valid boolean')
  const maxTokens = typeof body.max_tokens === 'number' ? body.max_tokens : 0
  const messages = body.messages.map(readMessage)
  checkToolPairs(messages)
  checkSignatures(messages)
  const request: MessagesRequest = {
    model: body.model,
    messages,
    system: blocksOf(body.system, 'system'),
    tools: readTools(body.tools),
    toolChoice: isJson(body.tool_choice) ? body.tool_choice : undefined,
    maxTokens,
    stream: body.stream === true,
    stopSequences: Array.isArray(body.stop_sequences) ? body.stop_sequences.filter((s) => typeof s === 'string') : [],
    thinking: readThinking(body.thinking, maxTokens),
    outputSchema: readOutputSchema(body),
    cacheControl: isJson(body.cache_control) ? body.cache_control : undefined,
    userId: isJson(body.metadata) && typeof body.metadata.user_id === 'string' ? body.metadata.user_id : undefined,
  }
  checkBreakpoints(request)
  return request
}

function checkMaxTokens(value: unknown): void {
  if (value === undefined) throw invalidRequest('max_tokens: Field required')
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalidRequest('max_tokens: Input should be a valid integer')
  if (value < 1) throw invalidRequest('max_tokens: Input should be greater than or equal to 1')
}

function readMessage(message: unknown, index: number): Message {
  const at = `messages.${index}`
  if (!isJson(message)) throw invalidRequest(`${at}: Input should be a valid dictionary`)
  const { role } = message
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalidRequest(`${at}.role: Input should be 'user' or 'assistant'`)
  if (message.content === undefined) throw invalidRequest(`${at}.content: Field required`)
  return { role, blocks: blocksOf(message.content, `${at}.content`) }
}

function blocksOf(content: unknown, at: string): readonly Json[] {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidRequest(`${at}: Input should be a valid string or list`)
  return content.map((block, index) => {
    if (!isJson(block) || typeof block.type !== 'string') throw invalidRequest(`${at}.${index}.type: Field required`)
    if (block.type === 'text' && (typeof block.text !== 'string' || block.text === ''))
      throw invalidRequest(`${at}: text content blocks must be non-empty`)
    if (block.type === 'image' && !isJson(block.source))
      throw invalidRequest(`${at}.${index}.image.source: Field required`)
    return block
  })
}

function readTools(tools: unknown): readonly Json[] {
  if (tools === undefined) return []
  if (!Array.isArray(tools)) throw invalidRequest('tools: Input should be a valid list')
  return tools.map((tool, index) => {
    if (!isJson(tool)) throw invalidRequest(`tools.${index}: Input should be a valid dictionary`)
    // Tool kinds are an open list (toolsets, server tools); only the classic form must have a name.
    if (tool.type === undefined && typeof tool.name !== 'string')
      throw invalidRequest(`tools.${index}.custom.name: Field required`)
    return tool
  })
}

function readThinking(thinking: unknown, maxTokens: number): MessagesRequest['thinking'] {
  if (!isJson(thinking)) return { on: false, display: undefined, budget: undefined }
  const { type, display } = thinking
  if (type === 'adaptive') return { on: true, display, budget: undefined }
  if (type !== 'enabled') return { on: false, display, budget: undefined }
  const budget = thinking.budget_tokens
  if (typeof budget !== 'number') throw invalidRequest('thinking.enabled.budget_tokens: Field required')
  if (budget < 1024)
    throw invalidRequest('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024')
  if (maxTokens > 0 && budget >= maxTokens)
    throw invalidRequest('`max_tokens` must be greater than `thinking.budget_tokens`.')
  return { on: true, display, budget }
}

function readOutputSchema(body: Json): Json | undefined {
  const format = isJson(body.output_config) ? body.output_config.format : body.output_format
  return isJson(format) && isJson(format.schema) ? format.schema : undefined
}

/** Every tool_use is answered in the next user message, and every tool_result answers one: the agent loop's contract. */
function checkToolPairs(messages: readonly Message[]): void {
  let open: readonly string[] = []
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue
    const results = message.blocks.filter((block) => block.type === 'tool_result').map((block) => block.tool_use_id)
    const missing = open.filter((id) => !results.includes(id))
    if (missing.length > 0)
      throw invalidRequest(
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. ` +
          'Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
      )
    const known = open
    const stray = results.find((id) => typeof id !== 'string' || !known.includes(id))
    if (stray !== undefined)
      throw invalidRequest(
        `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(stray)}.`,
      )
    open = message.blocks.flatMap((block) =>
      block.type === 'tool_use' && typeof block.id === 'string' ? [block.id] : [],
    )
  }
  if (open.length > 0)
    throw invalidRequest(
      `messages.${messages.length - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}.`,
    )
}

/** Thinking that comes back changed is refused, as the real API does: it shows whoever re-wrote the body on its way. */
function checkSignatures(messages: readonly Message[]): void {
  for (const [index, message] of messages.entries()) {
    for (const [position, block] of message.blocks.entries()) {
      if (block.type !== 'thinking') continue
      if (!signatureHolds(String(block.thinking ?? ''), String(block.signature ?? '')))
        throw invalidRequest(`messages.${index}.content.${position}: Invalid \`signature\` in \`thinking\` block`)
    }
  }
}

function checkBreakpoints(request: MessagesRequest): void {
  const all = [...request.tools, ...request.system, ...request.messages.flatMap((message) => message.blocks)]
  const marked = all.filter((block) => isJson(block.cache_control))
  if (marked.length > maxBreakpoints)
    throw invalidRequest(
      `A maximum of ${maxBreakpoints} blocks with cache_control may be provided. Found ${marked.length}.`,
    )
  const ttls = marked.map((block) => (isJson(block.cache_control) ? block.cache_control.ttl : undefined))
  const firstShort = ttls.findIndex((ttl) => ttl !== '1h')
  if (firstShort >= 0 && ttls.slice(firstShort).includes('1h'))
    throw invalidRequest(
      "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
    )
}
