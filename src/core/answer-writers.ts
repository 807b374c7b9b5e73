/** The two forms of an answer: an event stream, and one message. Both are written by `MessageStream`. */
import type { AnswerStart, AnswerUsage, AnswerWriter, BlockDelta, BlockStart } from './message-stream.ts'
import type { StopReason } from './messages.ts'

/** Usage in the wire's shape. Cache writes count as the short lifetime: no other provider tells lifetimes apart. */
function wireUsage(usage: AnswerUsage, estimatedInputTokens: number): Record<string, unknown> {
  return {
    input_tokens: usage.inputTokens ?? estimatedInputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens ?? 0,
    cache_read_input_tokens: usage.cacheReadTokens ?? 0,
    output_tokens: usage.outputTokens ?? 0,
    ...(usage.thinkingTokens === undefined ? {} : { output_tokens_details: { thinking_tokens: usage.thinkingTokens } }),
  }
}

function messageHead(start: AnswerStart, usage: AnswerUsage): Record<string, unknown> {
  return {
    id: start.id,
    type: 'message',
    role: 'assistant',
    model: start.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: wireUsage(usage, start.estimatedInputTokens),
  }
}

/** Writes server-sent events; `take` gives what was written since the last time. */
export class EventStreamWriter implements AnswerWriter {
  #text = ''
  #estimatedInputTokens = 0

  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }

  start(start: AnswerStart): void {
    this.#estimatedInputTokens = start.estimatedInputTokens
    this.#event('message_start', { type: 'message_start', message: messageHead(start, {}) })
  }

  blockStart(index: number, block: BlockStart): void {
    this.#event('content_block_start', { type: 'content_block_start', index, content_block: emptyBlock(block) })
  }

  blockDelta(index: number, delta: BlockDelta): void {
    // The one event that comes by the thousand is put together by hand; only its text needs escaping.
    this.#text += `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":${deltaText(delta)}}\n\n`
  }

  blockStop(index: number): void {
    this.#text += `event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`
  }

  end(stopReason: StopReason, stopSequence: string | null, usage: AnswerUsage): void {
    this.#event('message_delta', {
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: stopSequence },
      usage: wireUsage(usage, this.#estimatedInputTokens),
    })
    this.#event('message_stop', { type: 'message_stop' })
  }

  #event(name: string, data: Record<string, unknown>): void {
    this.#text += `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  }
}

function emptyBlock(block: BlockStart): Record<string, unknown> {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '' }
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' }
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {} }
  }
}

function deltaText(delta: BlockDelta): string {
  switch (delta.type) {
    case 'text':
      return `{"type":"text_delta","text":${JSON.stringify(delta.text)}}`
    case 'thinking':
      return `{"type":"thinking_delta","thinking":${JSON.stringify(delta.thinking)}}`
    case 'signature':
      return `{"type":"signature_delta","signature":${JSON.stringify(delta.signature)}}`
    case 'input_json':
      return `{"type":"input_json_delta","partial_json":${JSON.stringify(delta.json)}}`
  }
}

type WholeBlock = { type: string; text: string; signature: string; id: string; name: string }

/** Collects one whole message. */
export class MessageWriter implements AnswerWriter {
  readonly #blocks: WholeBlock[] = []
  #message: Record<string, unknown> | null = null
  #estimatedInputTokens = 0

  /** The message as JSON text; null before its end. */
  get body(): string | null {
    return this.#message === null || this.#message.stop_reason === null ? null : JSON.stringify(this.#message)
  }

  start(start: AnswerStart): void {
    this.#estimatedInputTokens = start.estimatedInputTokens
    this.#message = messageHead(start, {})
  }

  blockStart(_index: number, block: BlockStart): void {
    const call = block.type === 'tool_use' ? block : { id: '', name: '' }
    this.#blocks.push({ type: block.type, text: '', signature: '', id: call.id, name: call.name })
  }

  blockDelta(index: number, delta: BlockDelta): void {
    const block = this.#blocks[index]
    if (block === undefined) return
    if (delta.type === 'signature') block.signature = delta.signature
    else block.text += delta.type === 'text' ? delta.text : delta.type === 'thinking' ? delta.thinking : delta.json
  }

  blockStop(): void {}

  end(stopReason: StopReason, stopSequence: string | null, usage: AnswerUsage): void {
    this.#message = {
      ...this.#message,
      content: this.#blocks.map(wholeBlock),
      stop_reason: stopReason,
      stop_sequence: stopSequence,
      usage: wireUsage(usage, this.#estimatedInputTokens),
    }
  }
}

function wholeBlock({ type, text, signature, id, name }: WholeBlock): Record<string, unknown> {
  if (type === 'text') return { type, text }
  if (type === 'thinking') return { type, thinking: text, signature }
  return { type, id, name, input: parsedInput(text) }
}

/** Half an input, cut off by the token limit, has no JSON form; what was said of it is kept under a name that says so. */
function parsedInput(text: string): unknown {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return { incomplete_json: text }
  }
}
