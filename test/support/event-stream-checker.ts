/**
 * Checks an event stream against the grammar of the Messages API and puts its message together as a client would:
 * `message_start (content_block_start content_block_delta* content_block_stop)* message_delta+ message_stop`, `ping`
 * anywhere, `error` anywhere and last. Written from the protocol alone, so that it shares no mistake with what it checks.
 */
export interface CheckedStream {
  /** Whether `message_stop` was reached. */
  readonly complete: boolean
  /** The error event, where there was one. */
  readonly error: { readonly type: string; readonly message: string } | null
  readonly message: {
    content: Record<string, unknown>[]
    usage: Record<string, unknown>
    [name: string]: unknown
  }
}

// biome-ignore lint/suspicious/noExplicitAny: events are open JSON, read by name as a client does.
type Event = { type: string; [name: string]: any }

/** Throws where the text breaks the grammar, naming the event. */
export function checkEventStream(text: string): CheckedStream {
  let message: CheckedStream['message'] = { content: [], usage: {} }
  let state: 'before' | 'between' | 'in block' | 'after blocks' | 'done' = 'before'
  let index = -1
  let json = ''
  let error: CheckedStream['error'] = null
  const wrong = (event: Event): never => {
    throw new Error(`${event.type} may not come ${state}: ${JSON.stringify(event).slice(0, 200)}`)
  }
  for (const event of eventsOf(text)) {
    if (state === 'done' || error !== null) wrong(event)
    const block = message.content[index]
    switch (event.type) {
      case 'ping':
        break
      case 'error':
        error = event.error
        break
      case 'message_start':
        if (state !== 'before') wrong(event)
        state = 'between'
        message = structuredClone(event.message)
        break
      case 'content_block_start':
        if (state !== 'between' || event.index !== index + 1) wrong(event)
        state = 'in block'
        index += 1
        json = ''
        message.content.push(structuredClone(event.content_block))
        break
      case 'content_block_delta':
        if (state !== 'in block' || event.index !== index || block === undefined) wrong(event)
        json += event.delta.partial_json ?? ''
        apply(block ?? {}, event)
        break
      case 'content_block_stop':
        if (state !== 'in block' || event.index !== index || block === undefined) wrong(event)
        if (block?.type === 'tool_use') block.input = inputOf(json)
        state = 'between'
        break
      case 'message_delta':
        if (state !== 'between' && state !== 'after blocks') wrong(event)
        state = 'after blocks'
        Object.assign(message, event.delta)
        Object.assign(message.usage, event.usage)
        break
      case 'message_stop':
        if (state !== 'after blocks') wrong(event)
        state = 'done'
        break
      default:
        wrong(event)
    }
  }
  return { complete: state === 'done', error, message }
}

const inputOf = (json: string): unknown => {
  if (json === '') return {}
  try {
    return JSON.parse(json)
  } catch {
    return { incomplete_json: json }
  }
}

const places = { text_delta: ['text', 'text'], thinking_delta: ['thinking', 'thinking'] } as const

function apply(block: Record<string, unknown>, event: Event): void {
  const { delta } = event
  if (delta.type === 'signature_delta') block.signature = delta.signature
  else if (delta.type === 'input_json_delta') {
    if (block.type !== 'tool_use') throw new Error('input_json_delta in a block that is no tool_use')
  } else if (delta.type === 'text_delta' || delta.type === 'thinking_delta') {
    const [type, field] = places[delta.type as keyof typeof places]
    if (block.type !== type) throw new Error(`${delta.type} in a ${String(block.type)} block`)
    block[field] = String(block[field]) + delta[field]
  } else throw new Error(`unknown delta ${delta.type}`)
}

function eventsOf(text: string): Event[] {
  if (text === '') return []
  if (!text.endsWith('\n\n')) throw new Error('the stream ends in the middle of an event')
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((frame) => {
      // Not `.`: it stops at U+2028, which ends no line here.
      const match = /^event: ([^\r\n]+)\ndata: ([^\r\n]+)$/.exec(frame)
      if (match === null) throw new Error(`no frame of the grammar: ${frame.slice(0, 200)}`)
      const event = JSON.parse(match[2] ?? '') as Event
      if (event.type !== match[1]) throw new Error(`event ${match[1]} carries type ${event.type}`)
      return event
    })
}
