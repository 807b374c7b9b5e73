import { InvalidArgumentError } from 'commander'

const hourMs = 3_600_000
const unitMs: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs, w: 7 * 24 * hourMs, y: 365 * 24 * hourMs }

/** `30d`, `12h`, `2w`, `1y` from now, or a day or time in ISO 8601 (UTC); epoch milliseconds. */
export function parseExpiry(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,5})([hdwy])$/.exec(text) ?? []
  const relative =
    count === undefined || unit === undefined ? undefined : now + Number(count) * (unitMs[unit] ?? Number.NaN)
  // Without a zone a time would mean something else on every machine.
  const absolute = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN
  const at = relative ?? absolute
  if (Number.isNaN(at)) throw new InvalidArgumentError('Write it as 12h, 30d, 2w, 1y or 2027-01-31.')
  if (at <= now) throw new InvalidArgumentError('That is in the past.')
  return at
}
