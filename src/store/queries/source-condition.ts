import type { SourceFilter } from '../../core/recent-exchanges.ts'

export type { SourceFilter } from '../../core/recent-exchanges.ts'

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
