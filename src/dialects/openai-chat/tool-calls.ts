import { createHash } from 'node:crypto'
import { GatewayError } from '../../core/errors.ts'
import type { MessageStream } from '../../core/message-stream.ts'
import { isJson } from '../../core/messages.ts'

/** One call as it is put together from its pieces. */
interface Call {
  readonly key: number
  id: string
  name: string
  /** Input that came before the name. */
  early: string
  /** All input, as long as nothing else tells where a call ends. */
  input: string
  begun: boolean
}

export interface CallRules {
  /** The caller's name of a tool. */
  toName(providerName: string): string
  newCallId(): string
  /** What has to happen before a call's block opens. */
  beforeCall(): void
}

/** An answer has some calls; one with more than this has gone mad. */
const callLimit = 10_000

/**
 * Puts tool calls together. A piece belongs to the call of its index, else of its id, else to the last one; another id at
 * the same index begins a new call, and a block opens when its name is known.
 */
export class ToolCalls {
  readonly #stream: MessageStream
  readonly #rules: CallRules
  readonly #calls: Call[] = []
  readonly #byIndex = new Map<number, Call>()
  readonly #byId = new Map<string, Call>()
  readonly #usedIds = new Set<string>()

  constructor(stream: MessageStream, rules: CallRules) {
    this.#stream = stream
    this.#rules = rules
  }

  /** Whether any call's block was begun. */
  get any(): boolean {
    return this.#usedIds.size > 0
  }

  /** `whole`: each piece is a call, as in an answer that is no stream. */
  piece(piece: unknown, whole: boolean): void {
    if (!isJson(piece)) return
    const detail = isJson(piece.function) ? piece.function : piece
    const id = typeof piece.id === 'string' ? piece.id : ''
    const name = typeof detail.name === 'string' ? detail.name : ''
    const index = typeof piece.index === 'number' ? piece.index : null
    const call = this.#callOf(index, id, name, whole)
    if (call.id === '') call.id = id
    if (call.name === '') call.name = name
    const input = inputText(detail.arguments)
    call.input += input
    if (call.begun) return this.#stream.callInput(call.key, input)
    call.early += input
    if (call.name !== '') this.#begin(call)
  }

  /** Pieces that never got a name are no call; input among them is one that was lost. */
  get lost(): boolean {
    return this.#calls.some(({ begun, early }) => !begun && early !== '')
  }

  #callOf(index: number | null, id: string, name: string, whole: boolean): Call {
    const last = this.#calls.at(-1)
    let found: Call | undefined
    if (whole) found = undefined
    else if (index !== null) found = this.#byIndex.get(index)
    else if (id !== '') found = this.#byId.get(id)
    // Neither index nor id: a name behind a whole input begins the next call.
    else if (last !== undefined && !(name !== '' && last.name !== '' && isWhole(last.input))) found = last
    const isOther = found !== undefined && id !== '' && found.id !== '' && found.id !== id
    const call = found === undefined || isOther ? this.#add() : found
    if (index !== null) this.#byIndex.set(index, call)
    if (id !== '') this.#byId.set(id, call)
    return call
  }

  #add(): Call {
    const call = { key: this.#calls.length, id: '', name: '', early: '', input: '', begun: false }
    if (call.key >= callLimit) throw new GatewayError('provider_bad_response', 'The answer has too many tool calls.')
    this.#calls.push(call)
    return call
  }

  #begin(call: Call): void {
    call.begun = true
    this.#rules.beforeCall()
    this.#stream.call(call.key, this.#idFor(call.id), this.#rules.toName(call.name))
    this.#stream.callInput(call.key, call.early)
    call.early = ''
  }

  /** Clients take ids of letters, digits, `_` and `-`, each once in an answer. */
  #idFor(id: string): string {
    const fits = /^[a-zA-Z0-9_-]+$/.test(id)
    let own = fits ? id : id === '' ? this.#rules.newCallId() : mappedId(id)
    if (this.#usedIds.has(own)) own = this.#rules.newCallId()
    this.#usedIds.add(own)
    return own
  }
}

const mappedId = (id: string): string => `toolu_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`

/** Some providers give the input as an object. */
function inputText(input: unknown): string {
  if (typeof input === 'string') return input
  return input === undefined || input === null ? '' : JSON.stringify(input)
}

function isWhole(input: string): boolean {
  if (!input.endsWith('}')) return false
  try {
    return isJson(JSON.parse(input))
  } catch {
    return false
  }
}
