import type { Sql } from '../sql.ts'
import { currentUsage } from './current-usage.ts'
import { dailyUsage } from './daily-usage.ts'
import { exchangeById, recentExchanges } from './exchanges.ts'
import { type Held, heldForGood } from './rollup-range.ts'
import { stats } from './stats.ts'
import { timeline } from './timeline.ts'
import { tokenStats } from './token-stats.ts'

/** Every question the ledger answers, on a handle that only reads. `held` says since when finer sums are kept. */
export function createQueries(sql: Sql, held: () => Held = () => heldForGood) {
  return {
    tokenStats: () => tokenStats(sql),
    stats: (question: Parameters<typeof stats>[1]) => stats(sql, question, held()),
    timeline: (question: Parameters<typeof timeline>[1]) => timeline(sql, question, held()),
    currentUsage: (question: Parameters<typeof currentUsage>[1]) => currentUsage(sql, question, held()),
    dailyUsage: (question: Parameters<typeof dailyUsage>[1]) => dailyUsage(sql, question),
    recentExchanges: (question: Parameters<typeof recentExchanges>[1]) => recentExchanges(sql, question, held()),
    exchangeById: (id: string) => exchangeById(sql, id),
  }
}

export type Queries = ReturnType<typeof createQueries>
