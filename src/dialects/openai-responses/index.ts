/**
 * OpenAI's Responses API, used without its memory: each request carries the whole conversation. Source: OpenAI API
 * reference, "Responses"; what becomes of each field and block is in `fates.ts`.
 */
import type { Dialect } from '../../core/dialect.ts'
import { toFailure } from './failure.ts'
import { toUpstream } from './request.ts'
import { fromUpstream } from './response.ts'
import { translateStream } from './stream.ts'

export { blockFates, type Fate, type FateRow, fieldFates } from './fates.ts'

export const openAiResponses: Dialect = {
  name: 'openai-responses',
  toUpstream,
  fromUpstream,
  translateStream,
  toFailure,
}
