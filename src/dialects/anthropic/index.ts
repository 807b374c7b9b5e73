/**
 * Anthropic's Messages as other providers speak it. Anthropic itself is not translated: its bytes pass untouched. To
 * others the caller's headers, user id and attribution never go, signatures are theirs alone, and their answers are held
 * to the grammar like any other. Source: Anthropic API reference, "Messages"; differences in `quirks.ts`.
 */
import type { Dialect } from '../../core/dialect.ts'
import { toFailure } from './failure.ts'
import type { MessagesQuirks } from './quirks.ts'
import { toUpstream } from './request.ts'
import { fromUpstream } from './response.ts'
import { messagesStream } from './stream.ts'

export { blockFates, type Fate, type FateRow, fieldFates } from './fates.ts'
export type { MessagesQuirks } from './quirks.ts'
export * as messagesQuirks from './quirks.ts'
export { canCarry } from './request.ts'

/** The dialect as one provider speaks it. */
export const anthropicMessages = (quirks: MessagesQuirks): Dialect => ({
  name: 'anthropic',
  toUpstream: (request, target) => toUpstream(request, target, quirks),
  fromUpstream: (body, context, form) => fromUpstream(body, context, quirks, form),
  translateStream: (context) => messagesStream(context, quirks),
  toFailure,
})
