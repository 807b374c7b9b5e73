import { isJson, type Json } from '../core/messages.ts'

/** What an agent keeps of an answer. */
export interface Answer {
  readonly content: readonly Json[]
  readonly stopReason: string | null
}

/** Puts an answer together from a complete body, a message, a stream of events or a token count; null when it is broken or an error. */
export function readAnswer(body: string): Answer | null {
  return body.startsWith('{') ? fromMessage(parsed(body)) : fromStream(body)
}

function fromMessage(message: unknown): Answer | null {
  if (!isJson(message)) return null
  if (typeof message.input_tokens === 'number') return { content: [], stopReason: null }
  if (!Array.isArray(message.content)) return null
  return { content: message.content.filter(isJson), stopReason: stopReasonOf(message.stop_reason) }
}

function fromStream(body: string): Answer | null {
  const content: Json[] = []
  let json = ''
  let stopReason: string | null = null
  let complete = false
  for (const line of body.split(/\r?\n/)) {
    if (!line.startsWith('data:')) continue
    const event = parsed(line.slice(5))
    if (!isJson(event) || event.type === 'error') return null
    if (event.type === 'content_block_start' && isJson(event.content_block)) {
      content.push(event.content_block)
      json = ''
    } else if (event.type === 'content_block_delta' && isJson(event.delta)) {
      const block = content.pop()
      if (block !== undefined) content.push(extended(block, event.delta))
      json += String(event.delta.partial_json ?? '')
    } else if (event.type === 'content_block_stop' && json !== '') {
      const block = content.pop()
      const input = parsed(json)
      if (block !== undefined) content.push({ ...block, input: isJson(input) ? input : {} })
      json = ''
    } else if (event.type === 'message_delta' && isJson(event.delta)) stopReason = stopReasonOf(event.delta.stop_reason)
    else if (event.type === 'message_stop') complete = true
  }
  return complete ? { content, stopReason } : null
}

function extended(block: Json, delta: Json): Json {
  const grown: Record<string, unknown> = { ...block }
  for (const key of ['text', 'thinking', 'signature']) {
    if (typeof delta[key] === 'string') grown[key] = String(block[key] ?? '') + delta[key]
  }
  return grown
}

function stopReasonOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // broken in the middle: the caller sees that it is no object
  }
}
