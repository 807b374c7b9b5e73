/**
 * Finds the few fields of a Messages request that the gateway needs, without parsing the body: one JSON parse of a
 * 1 MB body costs some 10 ms of event loop. Small bodies are parsed, which is as cheap and finds every mistake. In large
 * ones `model` is taken from the head, `stream` from the tail and `metadata` from either, where clients write them; where
 * they do not stand there unambiguously, the top level is walked from quote to quote, at some 3 ms a megabyte.
 */

export interface BodyFields {
  readonly model: string | null
  readonly stream: boolean
  /** `metadata.user_id`, where clients put session and account ids. */
  readonly userId: string | null
}

/** The fields, or what is wrong in words for the caller. */
export type ScanResult = { readonly fields: BodyFields } | { readonly mistake: string }

/** Up to here `JSON.parse` costs no more than some 60 µs. */
const parseLimitBytes = 16_384
/** Values longer than this at the top level are not looked into. */
const valueLimitBytes = 4_096

const quote = 0x22
const backslash = 0x5c
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Finds the few fields of the top level without parsing what lies below. `mistake`: the body is no such JSON. */
export function scanBody(body: Buffer): ScanResult {
  if (body.length <= parseLimitBytes) return parseSmall(body)
  const quick = readHeadAndTail(body)
  if (quick !== null) return { fields: quick }
  const found = walkTopLevel(body)
  if (found === null) return { mistake: 'The request body is not valid JSON.' }
  return fieldsOf(found)
}

/** Plain names only; one with an escape goes the long way. */
const modelAtHead = /^\s*\{\s*"model"\s*:\s*"([^"\\]*)"\s*,/
const tailOfStream = /,\s*"stream"\s*:\s*(true|false)\s*\}\s*$/
const windowBytes = 512

/** The fields where they stand in their usual places; null where that cannot be told. */
function readHeadAndTail(body: Buffer): BodyFields | null {
  const model = modelAtHead.exec(body.toString('utf8', 0, windowBytes))?.[1]
  if (model === undefined) return null
  const last = membersFromMetadata(body)
  const stream = typeof last?.stream === 'boolean' ? last.stream : streamAtTail(body)
  if (stream === null) return null
  const metadata = last === null ? metadataAtHead(body) : last.metadata
  // Somewhere between the two, or in a message: only the walk can tell.
  if (metadata === undefined && body.indexOf(metadataKey) >= 0) return null
  return { model, stream, userId: userIdOf(metadata) }
}

/**
 * A member right before the brace that ends a valid body is at the top level, and `"stream"` is nowhere in a body that has
 * no such member. Null where that does not tell.
 */
function streamAtTail(body: Buffer): boolean | null {
  const tail = body.toString('latin1', body.length - windowBytes)
  const value = tailOfStream.exec(tail)?.[1]
  if (value !== undefined) return value === 'true'
  return /\}\s*$/.test(tail) && body.indexOf('"stream"') < 0 ? false : null
}

const metadataKey = '"metadata"'

/**
 * The last top-level members, from `metadata` on; null where it is not certainly one of the last few. What follows a member
 * up to the end of the body closes all objects around it, so it makes one whole object only behind a top-level member.
 */
function membersFromMetadata(body: Buffer): { readonly metadata: unknown; readonly stream?: unknown } | null {
  const tail = body.subarray(-valueLimitBytes)
  const at = tail.lastIndexOf(metadataKey)
  // Behind a backslash the quote is a letter of some longer key.
  if (at < 1 || tail[at - 1] === backslash) return null
  try {
    const members: unknown = JSON.parse(`{${tail.toString('utf8', at)}`)
    return typeof members === 'object' && members !== null && 'metadata' in members ? members : null
  } catch {
    return null // Nested, or no key at all.
  }
}

/** The top-level member `metadata` before the first long value; undefined where there is none. */
function metadataAtHead(body: Buffer): unknown {
  const head = body.subarray(0, valueLimitBytes)
  if (head.indexOf(metadataKey) < 0) return undefined
  let at = skipSpace(head, skipSpace(head, 0) + 1)
  while (head[at] === quote) {
    const keyEnd = endOfString(head, at)
    const start = skipSpace(head, skipSpace(head, keyEnd) + 1)
    const end = keyEnd < 0 ? -1 : endOfValue(head, start)
    if (end < 0) return undefined
    if (head.toString('latin1', at, keyEnd) === metadataKey) return parsed(head.subarray(start, end))
    at = skipSpace(head, skipSpace(head, end) + 1)
  }
  return undefined
}

function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch {
    return undefined // The walk will say what is wrong.
  }
}

function userIdOf(metadata: unknown): string | null {
  const isObject = typeof metadata === 'object' && metadata !== null
  return isObject && 'user_id' in metadata && typeof metadata.user_id === 'string' ? metadata.user_id : null
}

function parseSmall(body: Buffer): ScanResult {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    // The parser's own message quotes the text around the fault, which is prompt text: say the fact only.
    return { mistake: 'The request body is not valid JSON.' }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return { mistake: 'The request body must be a JSON object.' }
  }
  return fieldsOf(parsed as Record<string, unknown>) // an object by the test above
}

function fieldsOf(record: Record<string, unknown>): ScanResult {
  const { model, stream, max_tokens: maxTokens, metadata } = record
  if (model !== undefined && typeof model !== 'string') return { mistake: 'model: Input should be a valid string' }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    return { mistake: 'stream: Input should be a valid boolean' }
  }
  if (maxTokens !== undefined && !(typeof maxTokens === 'number' && Number.isInteger(maxTokens))) {
    return { mistake: 'max_tokens: Input should be a valid integer' }
  }
  return { fields: { model: model ?? null, stream: stream === true, userId: userIdOf(metadata) } }
}

const wanted = new Set(['model', 'stream', 'max_tokens', 'metadata'])

/**
 * The wanted top-level members of a JSON object, parsed; null where the text breaks off or its top level is not an
 * object. Inside large values only strings and brackets are followed; a fault deeper down is left for the upstream to tell.
 */
function walkTopLevel(body: Buffer): Record<string, unknown> | null {
  const found: Record<string, unknown> = {}
  const isWhole = walkMembers(
    body,
    (key, start, end) => !wanted.has(key) || keepMember(found, key, body.subarray(start, end)),
  )
  return isWhole ? found : null
}

/**
 * Tells each top-level member of a JSON object: its key as it is written, and where its value stands. False where the text
 * breaks off, its top level is not an object, or `onMember` returned false.
 */
export function walkMembers(body: Buffer, onMember: (key: string, start: number, end: number) => boolean): boolean {
  let at = skipSpace(body, 0)
  if (body[at] !== 0x7b) return false
  at = skipSpace(body, at + 1)
  if (body[at] === 0x7d) return isOnlySpaceAfter(body, at + 1)
  while (at < body.length) {
    if (body[at] !== quote) return false
    const keyEnd = endOfString(body, at)
    if (keyEnd < 0) return false
    const key = body.toString('latin1', at + 1, keyEnd - 1)
    at = skipSpace(body, keyEnd)
    if (body[at] !== 0x3a) return false
    const start = skipSpace(body, at + 1)
    const end = endOfValue(body, start)
    if (end < 0 || !onMember(key, start, end)) return false
    at = skipSpace(body, end)
    if (body[at] === 0x7d) return isOnlySpaceAfter(body, at + 1)
    if (body[at] !== 0x2c) return false
    at = skipSpace(body, at + 1)
  }
  return false
}

/** A stretch of a body, from the first byte to the one behind the last. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** Tells each item of a JSON list where it stands. False where the text breaks off, or is no list. */
export function walkItems(list: Buffer, onItem: (start: number, end: number) => void): boolean {
  let at = skipSpace(list, 0)
  if (list[at] !== 0x5b) return false
  at = skipSpace(list, at + 1)
  if (list[at] === 0x5d) return isOnlySpaceAfter(list, at + 1)
  while (at < list.length) {
    const end = endOfValue(list, at)
    if (end < 0) return false
    onItem(at, end)
    at = skipSpace(list, end)
    if (list[at] === 0x5d) return isOnlySpaceAfter(list, at + 1)
    if (list[at] !== 0x2c) return false
    at = skipSpace(list, at + 1)
  }
  return false
}

function keepMember(found: Record<string, unknown>, key: string, value: Buffer): boolean {
  if (value.length > valueLimitBytes) return key === 'metadata'
  try {
    found[key] = JSON.parse(value.toString('utf8'))
    return true
  } catch {
    return false
  }
}

function skipSpace(body: Buffer, at: number): number {
  while (isSpace(body[at])) at++
  return at
}

const isOnlySpaceAfter = (body: Buffer, at: number): boolean => skipSpace(body, at) === body.length

/** The index after the closing quote of the string that starts at `at`, or -1. */
function endOfString(body: Buffer, at: number): number {
  let from = at + 1
  for (;;) {
    const end = body.indexOf(quote, from)
    if (end < 0) return -1
    let slashes = 0
    while (body[end - 1 - slashes] === backslash) slashes++
    // An odd run of backslashes escapes the quote. The run cannot reach before the string: it starts with a quote.
    if (slashes % 2 === 0) return end + 1
    from = end + 1
  }
}

/** The index after the JSON value that starts at `at`, or -1. */
function endOfValue(body: Buffer, at: number): number {
  const first = body[at]
  if (first === quote) return endOfString(body, at)
  if (first === 0x7b || first === 0x5b) return endOfNested(body, at)
  let end = at
  while (end < body.length && body[end] !== 0x2c && body[end] !== 0x7d && body[end] !== 0x5d && !isSpace(body[end]))
    end++
  return end > at ? end : -1
}

/** Counts brackets outside of strings. Between strings the stretches are short, so a byte loop is cheap there. */
function endOfNested(body: Buffer, at: number): number {
  let depth = 0
  while (at < body.length) {
    const byte = body[at]
    if (byte === quote) {
      at = endOfString(body, at)
      if (at < 0) return -1
      continue
    }
    if (byte === 0x7b || byte === 0x5b) depth++
    else if (byte === 0x7d || byte === 0x5d) {
      depth--
      if (depth === 0) return at + 1
    }
    at++
  }
  return -1
}
