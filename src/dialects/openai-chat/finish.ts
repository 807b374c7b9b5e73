import { GatewayError } from '../../core/errors.ts'
import type { StopReason } from '../../core/messages.ts'

/** What is known of an answer when its reason to end is judged. */
export interface Ending {
  readonly finish: string
  /** vLLM and its relatives tell which stop sequence they hit. */
  readonly stopSequence: string | null
  readonly hasCalls: boolean
  readonly hasContent: boolean
  readonly refused: boolean
}

export interface Ended {
  readonly reason: StopReason
  readonly sequence: string | null
  /** What was odd about it; counted. */
  readonly flag: string | null
}

/** A finish reason in the Messages API's words. Throws where it says that the answer failed. */
export function toStop(ending: Ending): Ended {
  const { finish, hasCalls, hasContent, refused } = ending
  const as = (reason: StopReason, flag: string | null = null): Ended => ({ reason, sequence: null, flag })
  switch (finish) {
    case 'stop':
      if (hasCalls) return as('tool_use')
      if (refused) return as('refusal')
      return ending.stopSequence === null
        ? as('end_turn')
        : { reason: 'stop_sequence', sequence: ending.stopSequence, flag: null }
    case 'length':
      return as('max_tokens')
    case 'model_length':
      return as('model_context_window_exceeded')
    case 'tool_calls':
    case 'function_call':
      // A client would wait for a call that never was.
      return hasCalls ? as('tool_use') : as(refused ? 'refusal' : 'end_turn', 'finish_without_calls')
    case 'content_filter':
      return as('refusal')
    case 'error':
      throw new GatewayError('provider_stream_error', 'The provider ended its answer with an error.')
    case 'insufficient_system_resource':
      throw new GatewayError('provider_overloaded', 'The provider ran out of resources in the middle of its answer.')
    default:
      if (!hasContent)
        throw new GatewayError('provider_bad_response', 'The provider ended an empty answer for a reason unknown.')
      return as(hasCalls ? 'tool_use' : 'end_turn', 'unknown_finish')
  }
}
