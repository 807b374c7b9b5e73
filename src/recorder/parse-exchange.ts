import { type ErrorType, errorTable } from '../core/errors.ts'
import type { ExchangeEvent, InterToken, RoutingRecord } from '../core/exchange.ts'
import { isJson } from '../core/messages.ts'
import type { ServerToolUse, Usage } from '../core/usage.ts'
import { endpoints, kinds, outcomes, usageSources } from './exchange-words.ts'

/** A record that can not be read, and the first thing that is wrong with it. */
export interface Defect {
  readonly kind: 'defect'
  readonly reason: string
}

/**
 * One record of the journal as an exchange event. Unknown fields are left out (a newer writer may have more), a missing
 * or wrong one makes a defect. Checked by hand and not by a schema: it is done for every record there is, in some 3 µs.
 */
export function parseExchange(json: string): ExchangeEvent | Defect {
  try {
    const value: unknown = JSON.parse(json)
    if (!isJson(value)) return { kind: 'defect', reason: 'not an object' }
    return readExchange(new Fields(value, ''))
  } catch (error) {
    // A syntax error quotes its input; the record itself is set aside, so the reason need not.
    return { kind: 'defect', reason: error instanceof FieldError ? error.message : 'not JSON' }
  }
}

function readExchange(fields: Fields): ExchangeEvent {
  const kind = fields.oneOf('kind', kinds)
  const start = {
    id: fields.uuid('id'),
    openedAt: fields.time('openedAt'),
    method: fields.text('method'),
    path: fields.text('path'),
    endpoint: fields.oneOf('endpoint', endpoints),
    domain: fields.text('domain'),
    keyId: fields.textOrNull('keyId'),
    account: fields.textOrNull('account'),
    provider: fields.textOrNull('provider'),
    requestedModel: fields.textOrNull('requestedModel'),
    streaming: fields.flag('streaming'),
    sessionId: fields.textOrNull('sessionId'),
    agentId: fields.textOrNull('agentId'),
    parentAgentId: fields.textOrNull('parentAgentId'),
    requestBytes: fields.integer('requestBytes'),
  }
  if (kind === 'opened') return { kind, ...start }
  return {
    kind,
    ...start,
    closedAt: fields.time('closedAt'),
    statusCode: fields.integer('statusCode'),
    outcome: fields.oneOf('outcome', outcomes),
    errorType: errorType(fields.textOrNull('errorType')),
    errorMessage: fields.textOrNull('errorMessage'),
    failedAfterFirstByte: fields.flag('failedAfterFirstByte'),
    upstreamStatus: fields.numberOrNull('upstreamStatus'),
    upstreamRequestId: fields.textOrNull('upstreamRequestId'),
    model: fields.textOrNull('model'),
    stopReason: fields.textOrNull('stopReason'),
    attempts: fields.integer('attempts'),
    durationMs: fields.number('durationMs'),
    ttftMs: fields.numberOrNull('ttftMs'),
    upstreamMs: fields.numberOrNull('upstreamMs'),
    ...interToken(fields.objectOrAbsent('interTokenMs')),
    overheadMs: fields.number('overheadMs'),
    responseBytes: fields.integer('responseBytes'),
    usage: usage(fields.object('usage')),
    usageSource: fields.oneOf('usageSource', usageSources),
    usageFlags: fields.texts('usageFlags'),
    serverToolUse: serverToolUse(fields.objectOrNull('serverToolUse')),
    serviceTier: fields.textOrNull('serviceTier'),
    speed: fields.textOrNull('speed'),
    inferenceGeo: fields.textOrNull('inferenceGeo'),
    rateLimitHeaders: fields.objectOrNull('rateLimitHeaders')?.allTexts() ?? null,
    routing: routing(fields.objectOrAbsent('routing')),
  }
}

/** A type this version does not know is `other`, which is an alarm in itself; the row is worth more than its label. */
function errorType(name: string | null): ErrorType | null {
  if (name === null) return null
  return isErrorType(name) ? name : 'other'
}

function isErrorType(name: string): name is ErrorType {
  return Object.hasOwn(errorTable, name)
}

function usage(fields: Fields): Usage {
  return {
    input: fields.integer('input'),
    output: fields.integer('output'),
    cacheRead: fields.integer('cacheRead'),
    cacheWrite5m: fields.integer('cacheWrite5m'),
    cacheWrite1h: fields.integer('cacheWrite1h'),
    reasoning: fields.numberOrNull('reasoning'),
  }
}

function serverToolUse(fields: Fields | null): ServerToolUse | null {
  if (fields === null) return null
  return {
    webSearchRequests: fields.integer('webSearchRequests'),
    webFetchRequests: fields.integer('webFetchRequests'),
  }
}

function interToken(fields: Fields | null): { readonly interTokenMs?: InterToken } {
  return fields === null ? {} : { interTokenMs: { mean: fields.number('mean'), max: fields.number('max') } }
}

function routing(fields: Fields | null): RoutingRecord | null {
  if (fields === null) return null
  return {
    rule: fields.text('rule'),
    target: fields.textOrNull('target'),
    tried: fields.texts('tried'),
    movedFrom: fields.textOrNull('movedFrom'),
    notes: fields.texts('notes'),
  }
}

class FieldError extends Error {}

const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Typed access to the fields of an object; throws a `FieldError` that names the field, never its value. */
class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #prefix: string

  constructor(values: Readonly<Record<string, unknown>>, prefix: string) {
    this.#values = values
    this.#prefix = prefix
  }

  text(name: string): string {
    const value = this.#values[name]
    return typeof value === 'string' ? value : this.#fail(name, 'a string')
  }

  textOrNull(name: string): string | null {
    const value = this.#values[name]
    return value === null || typeof value === 'string' ? value : this.#fail(name, 'a string or null')
  }

  uuid(name: string): string {
    const value = this.#values[name]
    return typeof value === 'string' && uuidPattern.test(value) ? value : this.#fail(name, 'a UUID')
  }

  /** Whole and not negative: a count, a size, a time, a status. */
  integer(name: string): number {
    const value = this.#values[name]
    return isCount(value) && Number.isSafeInteger(value) ? value : this.#fail(name, 'a whole number')
  }

  /** Epoch milliseconds before the year 10,000: later ones are no dates to JavaScript, nor to those who read the ledger. */
  time(name: string): number {
    const value = this.integer(name)
    return value <= lastTime ? value : this.#fail(name, 'a time before the year 10000')
  }

  number(name: string): number {
    const value = this.#values[name]
    return isCount(value) ? value : this.#fail(name, 'a number')
  }

  numberOrNull(name: string): number | null {
    const value = this.#values[name]
    return value === null || isCount(value) ? value : this.#fail(name, 'a number or null')
  }

  flag(name: string): boolean {
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : this.#fail(name, 'true or false')
  }

  oneOf<T extends string>(name: string, names: ReadonlySet<T>): T {
    const value = this.#values[name]
    // The set holds nothing but `T`, so what it has is one.
    return typeof value === 'string' && names.has(value as T) ? (value as T) : this.#fail(name, 'a known name')
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name]
    if (!Array.isArray(value)) return this.#fail(name, 'a list')
    return value.filter((item) => typeof item === 'string')
  }

  object(name: string): Fields {
    const value = this.#values[name]
    return isJson(value) ? new Fields(value, `${this.#prefix}${name}.`) : this.#fail(name, 'an object')
  }

  objectOrNull(name: string): Fields | null {
    return this.#values[name] === null ? null : this.object(name)
  }

  /** For fields that journals of older versions do not have. */
  objectOrAbsent(name: string): Fields | null {
    return this.#values[name] === undefined ? null : this.objectOrNull(name)
  }

  allTexts(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.#values)
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  }

  #fail(name: string, wanted: string): never {
    throw new FieldError(`${this.#prefix}${name} is not ${wanted}`)
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value)
}
