/** The shape of a row of the metric catalogue and the value sets that its labels draw from. */
import { type ErrorType, errorTable } from '../../core/errors.ts'
import type { Endpoint, Outcome } from '../../core/exchange.ts'

/** Open sets of label values, each under a cap: past it the value is `other` and the overflow is counted. */
export type CappedSet =
  | 'domain'
  | 'provider'
  | 'model'
  | 'query'
  | 'flag'
  | 'reason'
  | 'version'
  | 'note'
  | 'account'
  | 'window'

export type Unit = 'seconds' | 'milliseconds' | 'bytes' | 'tokens' | 'usd' | 'ratio' | 'count' | 'boolean' | 'timestamp'

/** Where the numbers come from; it is told in the documentation. */
export type Source =
  | 'closed exchange'
  | 'rate-limit headers'
  | 'open exchanges'
  | 'listener'
  | 'recorder state'
  | 'ledger writes'
  | 'database state'
  | 'SQL statement'
  | 'journal state'
  | 'scheduled backups'
  | 'retention'
  | 'gateway streams'
  | 'dashboard'
  | 'log'
  | 'process'
  | 'metrics'
  | 'component states'
  | 'targets'
  | 'provider checks'
  | 'settings'

/** How the values of several processes become one. */
export type Merge = 'sum' | 'min' | 'max' | 'first'

export type LabelSets = Readonly<Record<string, readonly string[] | CappedSet>>

export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly unit: Unit
  readonly source: Source
  readonly labels: LabelSets
  readonly buckets?: readonly number[]
  readonly merge?: Merge
  /** Labels that name accounts or domains: the redacted exposition sums over them. */
  readonly private?: readonly string[]
  /** No series before its first value: 0 would be a statement. */
  readonly late?: true
}

/** A row's labels as the values a series of it is made with. */
export type LabelValues<Labels extends LabelSets> = {
  readonly [Name in keyof Labels]: Labels[Name] extends readonly (infer Value)[] ? Value : string
}

type NoLabels = Record<never, never>
type Extra<Labels extends LabelSets> = {
  readonly labels?: Labels
  readonly private?: readonly string[]
  readonly late?: true
}

export function counter<const Labels extends LabelSets = NoLabels>(
  help: string,
  unit: Unit,
  source: Source,
  extra: Extra<Labels> = {},
) {
  return { kind: 'counter', help, unit, source, labels: labelsOf(extra), ...privateOf(extra) } as const
}

export function gauge<const Labels extends LabelSets = NoLabels>(
  help: string,
  unit: Unit,
  source: Source,
  merge: Merge,
  extra: Extra<Labels> = {},
) {
  const late = extra.late === true ? ({ late: true } as const) : {}
  return { kind: 'gauge', help, unit, source, merge, labels: labelsOf(extra), ...privateOf(extra), ...late } as const
}

export function histogram<const Labels extends LabelSets = NoLabels>(
  help: string,
  unit: Unit,
  source: Source,
  buckets: readonly number[],
  extra: Extra<Labels> = {},
) {
  return { kind: 'histogram', help, unit, source, buckets, labels: labelsOf(extra), ...privateOf(extra) } as const
}

function labelsOf<Labels extends LabelSets>(extra: Extra<Labels>): Labels {
  // Without labels the type parameter is the empty record, which `{}` is.
  return extra.labels ?? ({} as Labels)
}

function privateOf(extra: { readonly private?: readonly string[] }): { readonly private?: readonly string[] } {
  return extra.private === undefined ? {} : { private: extra.private }
}

export const endpoints = ['messages', 'count_tokens', 'models', 'passthrough'] as const satisfies readonly Endpoint[]
export const outcomes = [
  'ok',
  'caller_error',
  'policy_refused',
  'provider_error',
  'gateway_error',
  'cancelled',
  'interrupted',
] as const satisfies readonly Outcome[]
export const tokenTypes = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] as const
/** What an exchange is charged for; the five buckets of tokens, and billed uses of tools and requests. */
export const costTypes = [...tokenTypes, 'units'] as const
export const errorPhases = ['before_first_byte', 'after_first_byte'] as const
// The keys of the table are exactly the union; Object.keys alone forgets it.
export const errorTypes = Object.keys(errorTable) as readonly ErrorType[]

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const
/** Why a target did not answer, or was passed over. */
export const tryReasons = [
  ...['connection', 'timeout', 'rate_limit', 'server_error', 'bad_answer', 'other'],
  ...['circuit_open', 'resting', 'full'],
] as const

export const routes = [
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/models',
  '/health',
  '/metrics',
  '/token-stats',
  '/api',
  '/static',
  'other',
] as const

/** Statuses told apart. Any other one is shown as the first of its class, as RFC 9110 section 15 treats unknown codes. */
export const statuses = [
  ...['200', '201', '202', '204', '206', '301', '302', '303', '304', '307', '308'],
  ...['400', '401', '402', '403', '404', '405', '406', '408', '409', '410', '411', '412', '413', '414', '415', '421'],
  ...['422', '425', '426', '428', '429', '431', '451', '499', '500', '501', '502', '503', '504', '520', '522', '524'],
  ...['529', '100', '300', 'other'],
] as const

/** Statuses of `POST /v1/messages` whose series exist before the first such call, because rate() misses a first failure. */
export const messagesStatuses = [
  ...['200', '400', '401', '403', '404', '413', '429', '499', '500', '502', '503', '504', '529'],
] as const

export const components = ['database', 'recorder', 'journal', 'log'] as const
export const levels = ['debug', 'info', 'warn', 'error'] as const
/** `inline` runs everything in one process; otherwise `gateway` workers serve calls and the `office` does the rest. */
export const processNames = ['office', 'gateway', 'inline'] as const
export type ProcessName = (typeof processNames)[number]
