import { GatewayError } from '../../core/errors.ts'
import { scanBody } from '../../wire/scan-body.ts'
import type { Exchange } from '../exchange.ts'

const idPattern = /^[\w.:-]{1,100}$/
const idOf = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' && idPattern.test(value) ? value : null

/** What the call is about, from its headers and a cheap look at its body: model, streaming, session and agent. */
export function identify(exchange: Exchange): void {
  const { headers } = exchange.request
  exchange.sessionId = idOf(headers['x-claude-code-session-id']) ?? idOf(headers['x-signalbox-session'])
  exchange.agentId = idOf(headers['x-claude-code-agent-id'])
  exchange.parentAgentId = idOf(headers['x-claude-code-parent-agent-id'])
  if (exchange.body === null) return
  const scanned = scanBody(exchange.body)
  if ('mistake' in scanned) throw new GatewayError('caller_invalid_request', scanned.mistake)
  const { model, stream, userId } = scanned.fields
  exchange.requestedModel = model?.slice(0, 200) ?? null
  exchange.streaming = stream
  if (exchange.sessionId === null && userId !== null) exchange.sessionId = sessionOf(userId)
  if (model === null) throw new GatewayError('caller_invalid_request', 'model: Field required')
}

/** Claude Code 2.1 puts JSON into `metadata.user_id`, older versions `user_<hex>_account_<uuid>_session_<uuid>`. */
function sessionOf(userId: string): string | null {
  if (userId.startsWith('{')) {
    try {
      const parsed: unknown = JSON.parse(userId)
      const session =
        typeof parsed === 'object' && parsed !== null && 'session_id' in parsed ? parsed.session_id : undefined
      return typeof session === 'string' ? idOf(session) : null
    } catch {
      return null // Somebody else's user id: it names no session.
    }
  }
  const at = userId.lastIndexOf('_session_')
  return at < 0 ? null : idOf(userId.slice(at + '_session_'.length))
}
