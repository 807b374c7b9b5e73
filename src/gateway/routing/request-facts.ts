import type { Clock } from '../../core/clock.ts'
import { isJson, type Json } from '../../core/messages.ts'
import type { RequestFacts } from '../../core/routing.ts'
import type { Exchange } from '../exchange.ts'
import { estimateTokens } from '../translated/estimate-tokens.ts'
import { carriesCredential } from './config.ts'

/** What a request is. The body is parsed once, and only where a rule asks for something inside it. */
export function requestFacts(exchange: Exchange, clock: Clock, minuteOfDay: (nowMs: number) => number): RequestFacts {
  let parsed: Json | undefined
  const fields = (): Json => {
    parsed ??= parse(exchange.body)
    return parsed
  }
  return {
    model: exchange.requestedModel,
    domain: exchange.domain,
    header(lowerName) {
      const value = carriesCredential(lowerName) ? undefined : exchange.request.headers[lowerName]
      return Array.isArray(value) ? value[0] : value
    },
    minuteOfDay: () => minuteOfDay(clock.now()),
    inputTokens: () => (exchange.body === null ? 0 : estimateTokens(exchange.body)),
    thinking() {
      const { thinking } = fields()
      return isJson(thinking) && (thinking.type === 'enabled' || thinking.type === 'adaptive')
    },
    background() {
      const { tools, model } = fields()
      const hasTools = Array.isArray(tools) && tools.length > 0
      return !hasTools && typeof model === 'string' && /haiku|mini|flash|nano|lite/i.test(model)
    },
    images: () => Array.isArray(fields().messages) && hasImage(fields().messages),
    stickyKey: exchange.sessionId ?? exchange.id,
  }
}

function parse(body: Buffer | null): Json {
  if (body === null) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isJson(value) ? value : {}
  } catch {
    return {} // Said to the caller where the body is read for good.
  }
}

/** An image anywhere in the messages, those in tool results included. */
function hasImage(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasImage)
  if (!isJson(value)) return false
  return value.type === 'image' || hasImage(value.content)
}
