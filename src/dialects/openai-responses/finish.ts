import { GatewayError } from '../../core/errors.ts'
import { isJson, type Json, type StopReason } from '../../core/messages.ts'
import { failedResponse } from './failure.ts'

/** What is known of an answer when its end is judged. */
export interface Ending {
  /** The whole response object as the last event has it. */
  readonly response: Json
  readonly hasCalls: boolean
  readonly hasContent: boolean
  readonly refused: boolean
}

export interface Ended {
  readonly reason: StopReason
  /** What was odd about it; counted. */
  readonly flag: string | null
}

/** A response's status in the Messages API's words. Throws where it says that the answer failed. */
export function toStop(ending: Ending): Ended {
  const { response, hasCalls, refused } = ending
  switch (response.status) {
    case 'incomplete':
      return incomplete(ending)
    case 'failed':
      throw failedResponse(response)
    case 'cancelled':
      throw new GatewayError('provider_stream_error', 'The provider cancelled its answer.')
    case 'in_progress':
    case 'queued':
      throw new GatewayError('provider_bad_response', 'The provider’s answer is not finished.')
    default:
      return { reason: hasCalls ? 'tool_use' : refused ? 'refusal' : 'end_turn', flag: null }
  }
}

function incomplete({ response, hasCalls, hasContent }: Ending): Ended {
  const reason = isJson(response.incomplete_details) ? response.incomplete_details.reason : null
  if (reason === 'max_output_tokens' || reason === 'max_tokens') return { reason: 'max_tokens', flag: null }
  if (reason === 'content_filter') return { reason: 'refusal', flag: null }
  if (!hasContent)
    throw new GatewayError('provider_bad_response', 'The provider ended an empty answer for a reason unknown.')
  return { reason: hasCalls ? 'tool_use' : 'end_turn', flag: 'unknown_finish' }
}
