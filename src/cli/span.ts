const minuteMs = 60_000
const hourMs = 60 * minuteMs
const unitMs: Readonly<Record<string, number>> = {
  ...{ m: minuteMs, h: hourMs, d: 24 * hourMs },
  ...{ w: 7 * 24 * hourMs, y: 365 * 24 * hourMs },
}

/** `15m`, `12h`, `30d`, `2w` or `1y` in milliseconds; null for anything else. */
export function parseSpan(text: string): number | null {
  const [, count, unit] = /^(\d{1,5})([mhdwy])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) return null
  return Number(count) * (unitMs[unit] ?? Number.NaN)
}
