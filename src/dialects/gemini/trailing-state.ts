import { isJson, type MessagesRequest } from '../../core/messages.ts'
import { isAttribution, textOf } from '../shared/blocks.ts'

/**
 * Whether the caller takes an answer whose last block is an (empty) thinking block behind its text. Claude Code does not:
 * it takes the last block for the result, and `claude -p` prints nothing then (seen with 2.1.197). It is known by its
 * attribution, or by the shapes of its `metadata.user_id`.
 */
export function mayEndWithThinking({ system, fields }: MessagesRequest): boolean {
  if (system.some((block) => isAttribution(textOf(block)))) return false
  const userId = isJson(fields.metadata) ? fields.metadata.user_id : undefined
  return !(typeof userId === 'string' && (userId.includes('"session_id"') || userId.includes('_session_')))
}
