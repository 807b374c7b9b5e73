import type { z } from 'zod'
import { expectationOf, type Field } from './fields.ts'
import { describeOrigin, type Origin } from './origin.ts'

/** One thing that is wrong. `text` never holds the value of a secret. */
export interface Mistake {
  /** Path of the setting; empty where the file as a whole is wrong. */
  readonly path: string
  readonly origin: Origin
  readonly text: string
}

/** The start stops with this: every mistake at once, one line each. */
export class ConfigError extends Error {
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
    super(`The configuration has ${count}:\n${mistakes.map((mistake) => `  ${describeMistake(mistake)}`).join('\n')}`)
    this.name = 'ConfigError'
    this.mistakes = mistakes
  }
}

/** A line for people: where the value came from, what it is, what would be right. */
export function describeMistake({ path, origin, text }: Mistake): string {
  const subject = path === '' ? text : `${path} ${text}`
  return origin.kind === 'default' ? subject : `${describeOrigin(origin)}: ${subject}`
}

/** What a failed check of the schema says, to follow the path of the setting: `is "abc", but must be a number.` */
export function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  field: Field | undefined,
  value: unknown,
): string {
  // A path may lead into a setting, to an item of a list: then the item is what is wrong, and the list's default no help.
  const inside = field !== undefined && field.path.length < issue.path.length
  const expects = `must be ${expectationOf(schema)}${inside ? '' : defaultNote(field)}`
  // A schema that found its own words knows better than we do; the library's own words are of little help.
  const own = /^(Invalid|Too (big|small)|Unrecognized)/.test(issue.message) ? undefined : issue.message
  if (value === undefined) return `is missing: it ${expects}.`
  const shown = showValue(value, field)
  return own === undefined
    ? `is ${shown}, but ${expects}.${quoteHint(issue, value)}`
    : `is ${shown}: ${own.replace(/\.$/, '')}.`
}

function defaultNote(field: Field | undefined): string {
  const value = field?.secret === true ? undefined : field?.defaultValue
  return value === undefined || value === null || typeof value === 'object' ? '' : ` (default ${JSON.stringify(value)})`
}

/** YAML users quote numbers and leave versions unquoted; the fix is easy to miss in "expected number". */
function quoteHint(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== 'invalid_type') return ''
  if (issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return ' Put it in quotes.'
  const unquoted = typeof value === 'string' && (issue.expected === 'number' || issue.expected === 'boolean')
  return unquoted && /^(\d+(\.\d+)?|true|false)$/.test(value) ? ' Remove the quotes.' : ''
}

/**
 * A value for a message. Only what sits where a plain setting is expected is shown at all: a secret that landed in the
 * wrong place is still a secret.
 */
export function showValue(value: unknown, field: Field | undefined): string {
  if (field === undefined)
    return Array.isArray(value) ? 'a list' : value !== null && typeof value === 'object' ? 'a section' : 'a value'
  if (field.secret) return 'a value that is not shown'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (typeof value !== 'string') return Array.isArray(value) ? 'a list' : 'a section'
  if (looksSecret(value)) return 'a value that looks like a secret and is not shown'
  const shown = withoutPassword(value)
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 77)}...` : shown)
}

/** Prefixes of the credentials that people paste into the wrong line, and long runs that no plain setting has. */
function looksSecret(value: string): boolean {
  return (
    /(^|[^a-z0-9])(sk|sbx|gsk|xai|pk|rk|ghp|xox[a-z])[-_]\w{3,}/i.test(value) ||
    /^[\w+=-]{32,}$/.test(value) ||
    /\bAIza/.test(value)
  )
}

/** `postgres://user:word@host` without the word, and without query values, which often are tokens. */
export function withoutPassword(value: string): string {
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1***@').replace(/\?.*$/s, '?***')
}
