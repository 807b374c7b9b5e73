import type { ExchangeSource } from '../../core/exchange.ts'

/** Whose rows a question is about. Left out, it is `wire`: what was measured here is never mixed up with what was told. */
export type SourceFilter = ExchangeSource | 'all'

/** SQL that narrows the ledger or its rollups to the rows of a source. */
export function sourceCondition(filter: SourceFilter = 'wire'): string {
  return conditions[filter]
}

const conditions: Readonly<Record<SourceFilter, string>> = {
  wire: `source = 'wire'`,
  import: `source = 'import'`,
  all: 'true',
}

/** The same for the latency slots, which know the wire alone: nobody timed what was imported. */
export function latencyCondition(filter: SourceFilter = 'wire'): string {
  return filter === 'import' ? 'false' : 'true'
}
