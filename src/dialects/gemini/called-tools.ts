import type { AnswerContext } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { restoreMembers } from './enum-words.ts'

/** A call in the caller's words; `input` is JSON text. */
export interface CalledTool {
  readonly id: string
  readonly name: string
  readonly input: string
}

/** Models put the name of a module before those of functions at times. */
const modulePrefix = /^default_api[.:]/

/** Reads the calls of an answer by the tools of its request. */
export class CalledTools {
  readonly #context: AnswerContext
  readonly #schemas: ReadonlyMap<unknown, unknown>
  readonly #usedIds = new Set<string>()

  constructor(context: AnswerContext) {
    this.#context = context
    this.#schemas = new Map(context.request.tools.map(({ name, input_schema: schema }) => [name, schema]))
  }

  read(call: Json): CalledTool {
    if (typeof call.name !== 'string' || call.name === '')
      throw new GatewayError('provider_bad_response', 'The provider called a tool without a name.')
    const name = this.#nameOf(call.name)
    return { id: this.#idOf(call.id), name, input: this.#inputOf(call.args, this.#schemas.get(name)) }
  }

  #nameOf(name: string): string {
    const own = this.#context.toolNames.get(name) ?? name
    if (this.#schemas.has(own)) return own
    const short = name.replace(modulePrefix, '')
    const found = this.#context.toolNames.get(short) ?? short
    return this.#schemas.has(found) ? found : own
  }

  /** The provider's id where clients take it, each once in an answer. */
  #idOf(id: unknown): string {
    const fits = typeof id === 'string' && /^[a-zA-Z0-9_-]+$/.test(id) && !this.#usedIds.has(id)
    const own = fits ? id : this.#context.newCallId()
    this.#usedIds.add(own)
    return own
  }

  /** What is no object goes on as it came: it is judged where the call ends, and never repaired. */
  #inputOf(args: unknown, schema: unknown): string {
    if (args === undefined || args === null) return '{}'
    if (typeof args === 'string') return args
    return JSON.stringify(isJson(args) ? restoreMembers(args, schema) : args)
  }
}
