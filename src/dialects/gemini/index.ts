/**
 * Gemini's `generateContent` and `streamGenerateContent`. Source: Gemini API reference, "Generating content", v1beta. What
 * becomes of each field and block of a request is in `fates.ts`, of schemas in `schema.ts`, of thought signatures in
 * `signatures.ts`.
 */
import type { Dialect } from '../../core/dialect.ts'
import { toFailure } from './failure.ts'
import { toUpstream } from './request.ts'
import { fromUpstream } from './response.ts'
import type { GeminiOptions } from './scope.ts'
import { translateStream } from './stream.ts'

export { blockFates, fieldFates } from './fates.ts'
export type { GeminiOptions } from './scope.ts'

/** The dialect with options of the operator's. */
export const geminiWith = (options: GeminiOptions): Dialect => ({
  name: 'gemini',
  toUpstream: (request, target) => toUpstream(request, target, options),
  fromUpstream,
  translateStream,
  toFailure,
})

export const gemini: Dialect = geminiWith({ googleSearch: false })
