/** Errors in the shapes of OpenAI and of those who follow it. */
import { GatewayError } from '../../core/errors.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { withoutSecrets } from '../../core/without-secrets.ts'
import { failureOf } from './failure.ts'

/** What an error object says, in any of the shapes that exist. */
export interface ToldError {
  readonly code: string | null
  readonly message: string | null
  /** A status inside the body, which counts where the answer's own is 200. */
  readonly status: number | null
}

/**
 * `{error:{message,type,code}}` (OpenAI and most), `{error:"text",code}` (xAI), `{object:"error",message,type,code}`
 * (Mistral), `{detail:[{msg,loc}]}` (Mistral's 422), `{error:{code:<status>,metadata}}` (OpenRouter).
 */
export function readError(value: Json): ToldError {
  const error = isJson(value.error) ? value.error : value
  const message =
    wordsOf(value.error) ??
    wordsOf(error.message) ??
    wordsOf(error.msg) ??
    detailText(value.detail) ??
    wordsOf(value.message)
  const numbers = [error.status_code, error.status, error.code, error.type].map(Number)
  return {
    code: wordsOf(error.code) ?? wordsOf(error.type),
    message,
    status: numbers.find((number) => Number.isInteger(number) && number >= 400 && number < 600) ?? null,
  }
}

/** An error that came under status 200, by its own status or by its words. */
export function failureInAnswer(error: ToldError, retryAfterSeconds: number | null = null): GatewayError {
  const { code, message } = error
  const status = error.status ?? statusOfWords(`${code ?? ''} ${message ?? ''}`)
  if (status !== null) return failureOf({ status, code, message, retryAfterSeconds })
  const what = `The provider reported an error in its answer${code === null ? '' : ` (${code.slice(0, 60)})`}`
  return new GatewayError('provider_stream_error', what, {
    shown: message === null ? what : `${what}: ${withoutSecrets(message).slice(0, 500)}`,
  })
}

const wordsOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

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
  if (/rate.?limit|too.?many.?requests|resource.?exhausted/i.test(text)) return 429
  if (/overloaded|capacity|unavailable|insufficient_system_resource/i.test(text)) return 529
  if (
    /context_length|maximum context|prompt is too long|invalid.?(request|argument|prompt)|unsupported|tool_use_failed/i.test(
      text,
    )
  )
    return 400
  if (/authentication|invalid.?api.?key|unauthorized/i.test(text)) return 401
  if (/timeout|timed out/i.test(text)) return 504
  return null
}

export function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return null
  }
}
