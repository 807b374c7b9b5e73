/**
 * The Messages API as a translation sees it: parsed JSON whose lists are all open. Nothing here is validated beyond what
 * a translation needs to walk it safely; what a target cannot carry is judged where it is translated.
 * Source: Anthropic API reference, "Messages".
 */
import { GatewayError } from './errors.ts'

/** An object of JSON, read by name and checked where it is read. */
export type Json = Readonly<Record<string, unknown>>

/** An object, and no list. */
export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A content block, a tool, a message part: an object that names its type. */
export interface Block extends Json {
  readonly type: string
}

/** One message of the conversation, its blocks unread. */
export interface RequestMessage {
  /** `user`, `assistant`, or `system` in the middle of a conversation. */
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: readonly Block[]
}

/** A request body whose spine is checked. `rest` of the fields stay as they came, under `fields`. */
export interface MessagesRequest {
  readonly model: string
  readonly stream: boolean
  readonly maxTokens: number
  readonly system: readonly Block[]
  readonly messages: readonly RequestMessage[]
  readonly tools: readonly Json[]
  /** The whole parsed body, for everything that is read by name: `temperature`, `thinking`, `tool_choice`, … */
  readonly fields: Json
}

const invalid = (message: string): GatewayError => new GatewayError('caller_invalid_request', message)

/** Content as blocks: a text alone is one text block. `path` names the place in messages to the caller. */
export function blocksOf(content: unknown, path: string): readonly Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalid(`${path}: Input should be a valid string or list`)
  return content.map((block: unknown, index) => {
    if (!isJson(block) || typeof block.type !== 'string') throw invalid(`${path}.${index}.type: Field required`)
    return block as Block // its type is a string by the test above
  })
}

const roles: ReadonlySet<unknown> = new Set(['user', 'assistant', 'system'])

/** Reads a request body for translation. Throws `caller_invalid_request` naming the first place that is wrong. */
export function parseMessagesRequest(body: Buffer): MessagesRequest {
  let fields: unknown
  try {
    fields = JSON.parse(body.toString('utf8'))
  } catch {
    // The parser's own message quotes prompt text.
    throw invalid('The request body is not valid JSON.')
  }
  if (!isJson(fields)) throw invalid('The request body must be a JSON object.')
  const { model, messages, system, tools, max_tokens: maxTokens } = fields
  if (typeof model !== 'string') throw invalid('model: Field required')
  if (typeof maxTokens !== 'number' || !Number.isInteger(maxTokens) || maxTokens < 1)
    throw invalid('max_tokens: Input should be a positive integer')
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages: at least one message is required')
  if (tools !== undefined && tools !== null && !Array.isArray(tools))
    throw invalid('tools: Input should be a valid list')
  return {
    model,
    stream: fields.stream === true,
    maxTokens,
    system: system === undefined || system === null ? [] : blocksOf(system, 'system'),
    messages: messages.map(readMessage),
    tools: (tools ?? []).map((tool: unknown, index: number) => {
      if (!isJson(tool)) throw invalid(`tools.${index}: Input should be an object`)
      return tool
    }),
    fields,
  }
}

function readMessage(message: unknown, index: number): RequestMessage {
  if (!isJson(message)) throw invalid(`messages.${index}: Input should be an object`)
  if (!roles.has(message.role)) throw invalid(`messages.${index}.role: Input should be 'user', 'assistant' or 'system'`)
  return {
    role: message.role as RequestMessage['role'], // one of the three by the test above
    content: blocksOf(message.content, `messages.${index}.content`),
  }
}

/** Why an answer ended (Anthropic API reference, `stop_reason`). */
export type StopReason =
  | 'end_turn'
  | 'max_tokens'
  | 'stop_sequence'
  | 'tool_use'
  | 'pause_turn'
  | 'refusal'
  | 'model_context_window_exceeded'
