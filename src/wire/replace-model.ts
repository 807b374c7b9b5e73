/**
 * Another model name in a request body, and not one other byte: a body that is parsed and written again has another order
 * of keys, other escapes and numbers, which breaks signatures and the provider's prompt cache.
 */
import { walkMembers } from './scan-body.ts'

/** The body with the value of its top-level `model` replaced: the last one, where there are several, as parsers read it. */
export function replaceModel(body: Buffer, model: string): Buffer {
  let place: { readonly start: number; readonly end: number } | undefined
  walkMembers(body, (key, start, end) => {
    if (key === 'model') place = { start, end }
    return true
  })
  if (place === undefined) return body
  return Buffer.concat([body.subarray(0, place.start), Buffer.from(JSON.stringify(model)), body.subarray(place.end)])
}
