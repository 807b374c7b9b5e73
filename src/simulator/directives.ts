/**
 * Directives tell the simulator how one call is to go. Written `error=overloaded_error;after-events=3`, they come in the
 * request header `x-simulate`, or as `[[simulate error=…]]` in the model name or in the text of the last user message.
 * The header wins over the text, the text over the model name. Values are percent-decoded, so `%3B` is a semicolon.
 */
type Kind = 'flag' | 'number' | 'text'

const row = <K extends Kind>(kind: K, meaning: string): { kind: K; meaning: string } => ({ kind, meaning })

/** Every directive. An unknown one is answered with 400, so that a test with a typing error can not pass. */
export const directiveTable = {
  seed: row('text', 'answer with this seed, whatever the order of calls'),
  times: row('number', 'failures strike only the first n calls with this very body; later ones are answered properly'),
  // Failures. Without a position they come instead of an answer.
  error: row('text', 'an error of this type (overloaded_error, rate_limit_error, …)'),
  status: row('number', 'the status of the error; alone, the type follows from it'),
  message: row('text', 'the message of the error'),
  'retry-after': row('text', 'the retry-after header, as it is'),
  'should-retry': row('text', 'the x-should-retry header, as it is'),
  'error-body': row('text', 'shape of the error body: json (default), html, empty'),
  location: row('text', 'the location header (with status=302: a redirect nobody should follow)'),
  cut: row('flag', 'close the socket in the middle of the answer'),
  reset: row('flag', 'reset the connection (TCP RST) in the middle of the answer'),
  end: row('flag', 'end the stream properly but too early, without message_stop'),
  stall: row('flag', 'fall silent until the caller leaves'),
  'stall-ms': row('number', 'fall silent for this long, then go on'),
  'after-events': row('number', 'position of the failure: after n events (message_start is the first)'),
  'after-bytes': row('number', 'position of cut, reset, end or stall: after n bytes of the body'),
  // Pace.
  ttft: row('number', 'milliseconds until the first event'),
  'headers-ms': row('number', 'milliseconds until the response head; the first event still comes at ttft'),
  tps: row('number', 'output tokens a second, 0 for all at once'),
  // Wire form.
  encoding: row('text', 'gzip: content-encoding gzip whatever the caller accepts'),
  crlf: row('flag', 'CRLF line ends in the SSE frames'),
  chunk: row('number', 'write in pieces of n bytes'),
  padding: row('flag', 'blanks after the JSON of a frame, as the real API sends'),
  comments: row('flag', 'SSE comments and retry lines between frames'),
  unterminated: row('flag', 'leave out the blank line after the last frame'),
  pings: row('number', 'a ping after every n events'),
  'unknown-events': row('number', 'an event of an unknown type after every n events'),
  'unknown-block': row('flag', 'a content block of an unknown type before the others'),
  // Content.
  'output-tokens': row('number', 'length of the text in tokens (max_tokens still holds)'),
  huge: row('number', 'one text delta of n bytes'),
  text: row('text', 'answer with exactly this text'),
  thinking: row('text', 'on, off or redacted, whatever the request says'),
  tool: row('text', 'call this tool (it must be offered)'),
  input: row('text', 'input of the tool call as JSON; else made from its schema'),
  parallel: row('number', 'n tool calls in one answer'),
  'stop-reason': row('text', 'the stop reason (refusal, pause_turn, …)'),
  'served-model': row('text', 'the model that answers'),
  // Usage and limits.
  usage: row('text', 'full (default), no-split (no 5m/1h split), start-only (none in message_delta), none'),
  'web-search': row('number', 'web searches reported in server_tool_use'),
  'service-tier': row('text', 'service_tier in the usage'),
  speed: row('text', 'speed in the usage'),
  limits: row('text', 'rate-limit headers: api-key, unified or none'),
  utilization: row('number', 'fraction of the 5-hour window that is used (unified family)'),
} as const satisfies Record<string, { kind: Kind; meaning: string }>

type ValueOf = { flag: true; number: number; text: string }
export type Directives = {
  -readonly [Name in keyof typeof directiveTable]?: ValueOf[(typeof directiveTable)[Name]['kind']]
}

export class DirectiveError extends Error {}

const embedded = /\[\[simulate\s+([^\]]*)\]\]/g

/**
 * Reads the directives of a call from their three places, weakest first.
 * @throws DirectiveError for an unknown name or a value of the wrong kind.
 */
export function readDirectives(places: { model: string; text: string; header: string | undefined }): Directives {
  const directives: Directives = {}
  for (const match of places.model.matchAll(embedded)) parseInto(directives, match[1] ?? '')
  for (const match of places.text.matchAll(embedded)) parseInto(directives, match[1] ?? '')
  if (places.header !== undefined) parseInto(directives, places.header)
  return directives
}

/** The text without its embedded directives: what the model is called and what the answer may quote. */
export function withoutDirectives(text: string): string {
  return text.replaceAll(embedded, '').trim()
}

function parseInto(directives: Directives, source: string): void {
  for (const part of source.split(';')) {
    if (part.trim() === '') continue
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim()
    if (!isDirective(name)) throw new DirectiveError(`x-simulate: unknown directive '${name}'`)
    const value = equals < 0 ? undefined : percentDecoded(part.slice(equals + 1).trim())
    // The table pairs each name with its kind; TypeScript does not follow that through a dynamic key.
    Object.assign(directives, { [name]: readValue(name, value) })
  }
}

function isDirective(name: string): name is keyof typeof directiveTable {
  return Object.hasOwn(directiveTable, name)
}

function readValue(name: keyof typeof directiveTable, value: string | undefined): true | number | string {
  const { kind } = directiveTable[name]
  if (kind === 'flag') {
    if (value === undefined || value === 'true') return true
  } else if (value !== undefined && kind === 'text') {
    return value
  } else if (value !== undefined && value !== '') {
    const number = Number(value)
    if (Number.isFinite(number) && number >= 0) return number
  }
  throw new DirectiveError(`x-simulate: '${name}' wants ${kind === 'flag' ? 'no value' : `a ${kind}`}`)
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value // a lone percent sign is meant as it stands
  }
}
