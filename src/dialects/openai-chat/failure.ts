import { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { failureOf, retryAfterOf, withoutSecrets } from '../shared/failure.ts'

/** What an error object says, in any of the shapes that exist. */
interface ToldError {
  readonly code: string | null
  readonly message: string | null
  /** A status inside the body, which counts where the answer's own is 200. */
  readonly status: number | null
}

/** An error answer as a failure. Bodies that are no JSON (a proxy's page) give no message: they may hold anything. */
export function toFailure(status: number, headers: readonly string[], body: Buffer, nowMs: number): GatewayError {
  const value = parsed(body)
  const error = isJson(value) ? readError(value) : null
  return failureOf({
    status,
    code: error?.code ?? null,
    message: error?.message ?? null,
    retryAfterSeconds: retryAfterOf(headers, nowMs),
  })
}

/** The error in a chunk or a body that came under status 200, or null where there is none. */
export function errorIn(value: Json, eventName = ''): GatewayError | null {
  const isError =
    (value.error !== undefined && value.error !== null && value.error !== false) ||
    value.object === 'error' ||
    value.type === 'error' ||
    (eventName === 'error' && value.choices === undefined) ||
    (Array.isArray(value.detail) && value.choices === undefined)
  if (!isError) return null
  const error = readError(value)
  const status = error.status ?? statusOfWords(`${error.code ?? ''} ${error.message ?? ''}`)
  if (status !== null) return failureOf({ status, code: error.code, message: error.message, retryAfterSeconds: null })
  const what = `The provider reported an error in its answer${error.code === null ? '' : ` (${error.code.slice(0, 60)})`}`
  return new GatewayError('provider_stream_error', what, {
    shown: error.message === null ? what : `${what}: ${withoutSecrets(error.message).slice(0, 500)}`,
  })
}

/**
 * `{error:{message,type,code}}` (OpenAI and most), `{error:"text",code}` (xAI), `{object:"error",message,type,code}`
 * (Mistral), `{detail:[{msg,loc}]}` (Mistral's 422), `{error:{code:<status>,metadata}}` (OpenRouter).
 */
function readError(value: Json): ToldError {
  const error = isJson(value.error) ? value.error : value
  const message =
    textOf(value.error) ??
    textOf(error.message) ??
    textOf(error.msg) ??
    detailText(value.detail) ??
    textOf(value.message)
  const numbers = [error.status_code, error.status, error.code, error.type].map(Number)
  return {
    code: textOf(error.code) ?? textOf(error.type),
    message,
    status: numbers.find((number) => Number.isInteger(number) && number >= 400 && number < 600) ?? null,
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

function detailText(detail: unknown): string | null {
  if (typeof detail === 'string') return detail
  if (!Array.isArray(detail)) return null
  const lines = detail.slice(0, 5).map((item) => {
    if (!isJson(item)) return String(item)
    return `${Array.isArray(item.loc) ? `${item.loc.join('.')}: ` : ''}${String(item.msg ?? '')}`
  })
  return lines.length === 0 ? null : lines.join('; ')
}

/** A status for errors that name none; null for those that say nothing known. */
function statusOfWords(text: string): number | null {
  if (/insufficient_quota|insufficient.?balance|billing|payment/i.test(text)) return 402
  if (/rate.?limit|too many requests|resource.?exhausted/i.test(text)) return 429
  if (/overloaded|capacity|unavailable|insufficient_system_resource/i.test(text)) return 529
  if (
    /context_length|maximum context|prompt is too long|invalid.?(request|argument)|unsupported|tool_use_failed/i.test(
      text,
    )
  )
    return 400
  if (/authentication|invalid.?api.?key|unauthorized/i.test(text)) return 401
  if (/timeout|timed out/i.test(text)) return 504
  return null
}

export function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}
