import { InvalidArgumentError } from 'commander'
import { parseSpan } from './span.ts'

/** `30d`, `12h`, `2w`, `1y` from now, or a day or time in ISO 8601 (UTC); epoch milliseconds. */
export function parseExpiry(text: string, now: number): number {
  // Minutes or months: where it decides how long a key opens the door, neither is guessed.
  const span = text.endsWith('m') ? null : parseSpan(text)
  const relative = span === null ? undefined : now + span
  // Without a zone a time would mean something else on every machine.
  const absolute = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN
  const at = relative ?? absolute
  if (Number.isNaN(at)) throw new InvalidArgumentError('Write it as 12h, 30d, 2w, 1y or 2027-01-31.')
  if (at <= now) throw new InvalidArgumentError('That is in the past.')
  return at
}
