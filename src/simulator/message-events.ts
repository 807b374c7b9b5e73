import type { Json } from '../core/messages.ts'
import type { AnswerBlock } from './answer.ts'
import { pieces } from './prose.ts'
import type { Random } from './random.ts'
import { textTokens } from './tokens.ts'

/** One event of a Messages stream before it is framed; `tokens` is the output it stands for, which sets its time. */
export interface MessageEvent {
  readonly name: string
  readonly data: Json
  readonly tokens: number
}

/** An answer as it is delivered: cut to its limits, both as the events of its blocks and as a whole. */
export interface Delivered {
  /** content_block_start … content_block_stop of all blocks. */
  readonly events: readonly MessageEvent[]
  readonly content: readonly Json[]
  readonly stopReason: string
  readonly stopSequence: string | null
  readonly outputTokens: number
  readonly thinkingTokens: number
}

export interface Limits {
  readonly maxTokens: number
  readonly stopSequences: readonly string[]
  readonly stopReason: string | undefined
}

const stopTokens = 3 // the end-of-turn marks that models are charged for

/** Turns blocks into stream events until max_tokens or a stop sequence ends them. */
export function deliver(blocks: readonly AnswerBlock[], limits: Limits, random: Random): Delivered {
  const delivery = new Delivery(limits.maxTokens)
  let stopSequence: string | null = null
  for (const block of blocks) {
    if (delivery.full) break
    if (block.type === 'text') {
      stopSequence = firstStop(block.text, limits.stopSequences)
      const text = stopSequence === null ? block.text : block.text.slice(0, block.text.indexOf(stopSequence))
      delivery.text(text, block.whole ? [text] : pieces(text, random))
      if (stopSequence !== null) break
    } else if (block.type === 'thinking') delivery.thinking(block, random)
    else if (block.type === 'redacted_thinking') delivery.redacted(block)
    else if (block.type === 'tool_use') delivery.toolUse(block, random)
    else delivery.future(block)
  }
  const natural = blocks.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn'
  const reached = delivery.full ? 'max_tokens' : stopSequence === null ? natural : 'stop_sequence'
  return {
    events: delivery.events,
    content: delivery.content,
    stopReason: limits.stopReason ?? reached,
    stopSequence: reached === 'stop_sequence' ? stopSequence : null,
    outputTokens: Math.min(limits.maxTokens, delivery.tokens + stopTokens),
    thinkingTokens: delivery.thinkingTokens,
  }
}

function firstStop(text: string, sequences: readonly string[]): string | null {
  const found = sequences.filter((sequence) => sequence !== '' && text.includes(sequence))
  return found.sort((a, b) => text.indexOf(a) - text.indexOf(b))[0] ?? null
}

/** The growing answer: counts tokens, numbers blocks, and stops taking pieces when the budget is used up. */
class Delivery {
  readonly events: MessageEvent[] = []
  readonly content: Json[] = []
  tokens = 0
  thinkingTokens = 0
  full = false
  readonly #maxTokens: number

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens
  }

  text(whole: string, parts: readonly string[]): void {
    this.#start({ type: 'text', text: '' })
    const text = whole === '' ? '' : this.#stream(parts, (part) => ({ type: 'text_delta', text: part }))
    this.#stop({ type: 'text', text })
  }

  thinking(block: Extract<AnswerBlock, { type: 'thinking' }>, random: Random): void {
    this.#start({ type: 'thinking', thinking: '', signature: '' })
    const before = this.tokens
    const hidden = this.#spend(block.hiddenTokens)
    const thinking = this.#stream(pieces(block.thinking, random), (part) => ({
      type: 'thinking_delta',
      thinking: part,
    }))
    this.thinkingTokens += this.tokens - before
    // Thinking cut by max_tokens never gets its signature.
    const signature = this.full ? '' : block.signature
    if (signature !== '') this.#delta({ type: 'signature_delta', signature }, hidden) // unseen thinking takes its time too
    this.#stop({ type: 'thinking', thinking, signature })
  }

  redacted(block: Extract<AnswerBlock, { type: 'redacted_thinking' }>): void {
    const content = { type: 'redacted_thinking', data: block.data }
    const hidden = this.#spend(block.hiddenTokens)
    this.thinkingTokens += hidden
    this.#start(content, hidden)
    this.#stop(content)
  }

  toolUse(block: Extract<AnswerBlock, { type: 'tool_use' }>, random: Random): void {
    const { type, id, name } = block
    this.#start({ type, id, name, input: {} })
    this.#spend(textTokens(name) + 8)
    this.#delta({ type: 'input_json_delta', partial_json: '' }, 0)
    const whole = JSON.stringify(block.input)
    const parts = whole === '{}' ? [] : cutAnywhere(whole, random)
    const json = this.#stream(parts, (part) => ({ type: 'input_json_delta', partial_json: part }))
    this.#stop({ type, id, name, input: json === whole ? block.input : {} })
  }

  future(block: Extract<AnswerBlock, { type: 'future_block' }>): void {
    this.#start({ type: block.type, content: '' })
    this.#delta({ type: 'future_delta', content: block.content }, this.#spend(textTokens(block.content)))
    this.#stop({ type: block.type, content: block.content })
  }

  #stream(parts: readonly string[], delta: (part: string) => Json): string {
    let streamed = ''
    for (const part of parts) {
      if (this.full) break
      const wanted = textTokens(part)
      const spent = this.#spend(wanted)
      // A character outside the basic plane is never cut in two.
      const kept = spent === wanted ? part : part.slice(0, spent * 4).replace(/[\uD800-\uDBFF]$/, '')
      if (kept === '') break
      this.#delta(delta(kept), spent)
      streamed += kept
    }
    return streamed
  }

  /** Takes tokens from the budget; what is left when it is short. */
  #spend(wanted: number): number {
    const spent = Math.min(wanted, this.#maxTokens - this.tokens)
    this.tokens += spent
    if (spent < wanted || this.tokens === this.#maxTokens) this.full = true
    return spent
  }

  #start(contentBlock: Json, tokens = 0): void {
    const data = { type: 'content_block_start', index: this.content.length, content_block: contentBlock }
    this.events.push({ name: 'content_block_start', data, tokens })
  }

  #delta(delta: Json, tokens: number): void {
    const data = { type: 'content_block_delta', index: this.content.length, delta }
    this.events.push({ name: 'content_block_delta', data, tokens })
  }

  #stop(whole: Json): void {
    const data = { type: 'content_block_stop', index: this.content.length }
    this.events.push({ name: 'content_block_stop', data, tokens: 0 })
    this.content.push(whole)
  }
}

/** Tool input comes in pieces that respect nothing: words, escapes and numbers are cut in two. */
function cutAnywhere(text: string, random: Random): string[] {
  const characters = [...text] // by code point: half a surrogate pair is not valid JSON text
  const parts: string[] = []
  for (let at = 0; at < characters.length; ) {
    const take = random.integer(2, 14)
    parts.push(characters.slice(at, at + take).join(''))
    at += take
  }
  return parts
}
