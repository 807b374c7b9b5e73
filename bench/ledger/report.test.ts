import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

/** The report is plain JavaScript (it runs without a build), so the shapes that matter here are stated. */
interface Result {
  stores: [
    {
      queries: [{ warmP95Ms: number }]
      inserts: { mode: string; perSecond: number }[]
      sizes: { perExchange: { row: number } }
    },
  ]
}
interface Report {
  ledgerResults(folder: string): Result[]
  linesIn(text: string): string | null
  readmeLines(result: Result): string
  verdicts(result: Result): { goal: string; met: boolean }[]
}
const report: unknown = await import(new URL('./report.mjs', import.meta.url).href)
const { ledgerResults, linesIn, readmeLines, verdicts } = report as Report // see above

const root = path.join(import.meta.dirname, '..', '..')
const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
const [newest] = ledgerResults(path.join(root, 'bench', 'results'))
if (newest === undefined) throw new Error('bench/results has no result of the ledger')

test('the README says what the newest result says, in three lines', () => {
  const lines = linesIn(readme)
  expect(lines?.split('\n')).toHaveLength(3)
  expect(lines).toBe(readmeLines(newest))
})

test('what misses its goal is told, in the table and in the README', () => {
  const result = structuredClone(newest)
  const [store] = result.stores
  store.queries[0].warmP95Ms = 301
  for (const run of store.inserts) run.perSecond = 9_999
  store.sizes.perExchange.row = 1_025
  const names = verdicts(result).flatMap((verdict) => (verdict.met ? [] : verdict.goal))
  for (const goal of ['recorder, exchanges a second', 'slowest question, warm p95', 'row with its indexes']) {
    expect(names).toContain(goal)
    expect(readmeLines(result)).toContain(goal)
  }
})
