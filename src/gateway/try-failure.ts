import type { GatewayError } from '../core/errors.ts'
import type { UpstreamFailure } from '../core/upstream.ts'
import type { AnswerHead } from '../wire/headers.ts'

/**
 * Why one try brought no answer to the caller. `broken`: the call broke on its way. `held`: the provider answered with an
 * error that was kept from the caller, because another try was promised. `refused`: the translated answer is an error, or
 * makes no sense.
 */
export type TryFailure =
  | { readonly kind: 'broken'; readonly failure: UpstreamFailure; readonly error: GatewayError }
  | { readonly kind: 'held'; readonly status: number }
  | { readonly kind: 'refused'; readonly error: GatewayError }

/** Asked before an error answer of a native provider is passed on: true promises another try, and the answer is dropped. */
export interface HoldsAnswers {
  holds(status: number, head: AnswerHead): boolean
}
