/** The small shapes that several endpoints share. */
import * as z from 'zod'

const earliest = Date.UTC(2020, 0, 1)
const latest = Date.UTC(2100, 0, 1)

/**
 * A point in time as a caller writes it: ISO 8601 with a zone (`2026-11-22T14:03:00Z`), a date (midnight UTC), or
 * epoch milliseconds. Becomes epoch milliseconds.
 */
export const instant = z.string().transform((text, context) => {
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d))?$/i.test(text)
  const ms = /^\d{10,14}$/.test(text) ? Number(text) : isIso ? Date.parse(text) : Number.NaN
  if (ms >= earliest && ms <= latest) return ms
  context.addIssue({
    code: 'custom',
    message: 'must be an ISO 8601 time with a zone or epoch milliseconds, between 2020 and 2100',
  })
  return z.NEVER
})

/** A whole number in a query string. */
export function integer(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be between ${least} and ${most}`)
}

export const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')

/** `wire`: measured by this gateway. `import`: told by the records of another program (`signalbox import`). */
export const exchangeSources = ['wire', 'import'] as const

/** Whose exchanges are counted. What was imported is only ever shown to who asks for it. */
export const source = z.enum([...exchangeSources, 'all']).default('wire')

/** A name used as a filter: trimmed by nobody, matched exactly, bounded. */
export const name = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character')

/** A time in answers: ISO 8601, UTC, milliseconds. */
export const isoTime = z.string()

/** The five disjoint buckets and their sum. Nothing else is ever added to `total`. */
export const tokens = z.object({
  input: z.number(),
  output: z.number(),
  cache_read: z.number(),
  cache_write_5m: z.number(),
  cache_write_1h: z.number(),
  total: z.number(),
})

export type Tokens = z.infer<typeof tokens>

/** What stands beside the data of every ranged answer. */
export const rangeFacts = {
  from: isoTime,
  to: isoTime,
  /**
   * Every call that ended before this is in the numbers; later ones may still be on their way into the ledger. Never
   * after `to`. To the minute while nothing waits for long; null where the gateways are other processes' business.
   */
  complete_to: isoTime.nullable(),
  /** Which relation answered. */
  source: z.string(),
  truncated: z.boolean(),
}

/** True where `to` is after `from` and at most `days` later. The message names the field at fault. */
export function checkSpan(
  from: number,
  to: number,
  days: number,
  names: readonly [string, string],
): { readonly field: string; readonly message: string } | null {
  if (to <= from) return { field: names[1], message: `must be after ${names[0]}` }
  if (to - from > days * 86_400_000)
    return { field: names[0], message: `the range must not be longer than ${days} days` }
  return null
}
