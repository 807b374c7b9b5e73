/**
 * OpenAI's chat completions, and what other providers made of them. Source: OpenAI API reference, "Chat completions"; the
 * differences are data in `quirks.ts`, and what becomes of each field and block is in `fates.ts`.
 */
import type { Dialect } from '../../core/dialect.ts'
import { toFailure } from './failure.ts'
import type { ChatQuirks } from './quirks.ts'
import { toUpstream } from './request.ts'
import { fromUpstream, recover } from './response.ts'
import { translateStream } from './stream.ts'

export { blockFates, type Fate, type FateRow, fieldFates } from './fates.ts'
export type { ChatQuirks, UsageQuirks } from './quirks.ts'
export * as chatQuirks from './quirks.ts'

/** The dialect as one provider speaks it. */
export const openAiChat = (quirks: ChatQuirks): Dialect => ({
  name: 'openai-chat',
  toUpstream: (request, target) => toUpstream(request, target, quirks),
  fromUpstream: (body, context, form) => fromUpstream(body, context, quirks, form),
  translateStream: (context) => translateStream(context, quirks),
  toFailure,
  recover: (status, body, context, form) => (status < 500 ? recover(body, context, quirks, form) : null),
})
