// The SQL of the monitoring guide, as it is written there, by psql: on the embedded store, reached as the README says,
// and on the servers of this machine.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../src/core/clock.ts'
import type { RecordedExchange } from '../src/core/exchange.ts'
import { silentLogger } from '../src/core/logger.ts'
import { openStore, type Store, storeConfigSchema } from '../src/store/index.ts'
import { temporaryDataDir } from './support/postgres.ts'
import { recordedExchange } from './support/recorded-exchange.ts'
import { installedServers, startServerPostgres } from './support/server-postgres.ts'

const run = promisify(execFile)
const guideFile = process.env.MONITORING_GUIDE ?? path.resolve('../shared/seeds/000_527e97485c96ace5.txt')
const guide = existsSync(guideFile) ? readFileSync(guideFile, 'utf8') : null

const hasPsql = ((): boolean => {
  try {
    execFileSync('psql', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** The statements of a chapter of the guide. */
function statementsOf(heading: string): string[] {
  const chapter = (guide ?? '').split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...chapter.matchAll(/```sql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  return blocks.flatMap((block) => block.split(/;\s*$/m)).filter((statement) => /\bselect\b/i.test(statement))
}

/** The way to the embedded database that the README gives, up to the closing quote of the shell command. */
function commandOfReadme(): string {
  const command = /`(psql "\$\(node -p .*?\)")`/.exec(readFileSync('README.md', 'utf8'))?.[1]
  if (command === undefined) throw new Error('the README has no line that opens psql')
  return command
}

interface Place {
  /** Rows of a statement, cells as text. */
  psql(statement: string): Promise<string[][]>
  readonly store: Store
  close(): Promise<void>
}

const now = systemClock.now()
const failed: Partial<RecordedExchange> = {
  outcome: 'provider_error',
  errorType: 'provider_overloaded',
  statusCode: 529,
  domain: 'billing',
}
const traffic = [
  recordedExchange(now - 60_000, { model: 'claude-3-opus-20240229', durationMs: 1000, costUsd: 0.01 }),
  recordedExchange(now - 50_000, { model: 'claude-3-opus-20240229', durationMs: 3000, costUsd: 0.02 }),
  recordedExchange(now - 40_000, failed),
]

async function fill(databaseUrl: string | undefined, dataDir: string): Promise<Store> {
  const store = await openStore({
    config: storeConfigSchema.parse({ databaseUrl }),
    dataDir,
    clock: systemClock,
    logger: silentLogger,
  })
  await store.ready
  expect((await store.writeExchanges(traffic)).inserted).toBe(traffic.length)
  return store
}

const flags = ['-X', '-v', 'ON_ERROR_STOP=1', '-At', '-F', '\t']
const rowsOf = (stdout: string): string[][] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))

const places: readonly (readonly [string, () => Promise<Place>])[] = [
  [
    'the embedded store, as the README says',
    async () => {
      const home = await temporaryDataDir()
      const dataDir = path.join(home, '.signalbox')
      await mkdir(dataDir)
      const store = await fill(undefined, dataDir)
      const shell = `${commandOfReadme()} ${flags.map((flag) => `'${flag}'`).join(' ')} -f "$STATEMENT"`
      let asked = 0
      return {
        store,
        async psql(statement) {
          const file = path.join(home, `${++asked}.sql`)
          await writeFile(file, statement)
          const env = { ...process.env, STATEMENT: file }
          return rowsOf((await run('bash', ['-c', shell], { cwd: home, env })).stdout)
        },
        async close() {
          await store.close()
          await rm(home, { recursive: true, force: true })
        },
      }
    },
  ],
  ...installedServers.map(
    (major) =>
      [
        `PostgreSQL ${major}`,
        async () => {
          const server = await startServerPostgres(major, { shared_preload_libraries: 'pg_stat_statements' })
          const psql = async (statement: string): Promise<string[][]> =>
            rowsOf((await run('psql', [server.url, ...flags, '-c', statement])).stdout)
          await psql('CREATE EXTENSION pg_stat_statements')
          const store = await fill(server.url, '/nonexistent')
          return {
            store,
            psql,
            async close() {
              await store.close()
              await server.stop()
            },
          }
        },
      ] as const,
  ),
]

describe.skipIf(!hasPsql || guide === null).each(places)('the guide’s SQL on %s', (_name, start) => {
  let place: Place
  beforeAll(async () => {
    place = await start()
  }, 120_000)
  afterAll(() => place?.close())

  async function answerOf(heading: string): Promise<string[][][]> {
    const answers: string[][][] = []
    for (const statement of statementsOf(heading)) answers.push(await place.psql(statement))
    return answers
  }

  test('A7: latency by hour', async () => {
    const [byHour] = await answerOf('Request Latency')
    expect(byHour?.length).toBeGreaterThan(0)
    for (const [hour, average, p95] of byHour ?? []) {
      expect(hour).toMatch(/^\d{4}-/)
      expect(Number(average)).toBeGreaterThan(0)
      expect(Number(p95)).toBeGreaterThanOrEqual(Number(average))
    }
  })

  test('A9: connections, long statements, table sizes', async () => {
    const [count, long, sizes, ...more] = await answerOf('Database Performance')
    expect(more).toEqual([])
    expect(Number(count?.[0]?.[0])).toBeGreaterThan(0)
    expect(Array.isArray(long)).toBe(true)
    expect(sizes?.map(([schema, table]) => `${schema}.${table}`)).toContain('public.rollup_minute')
    for (const [, , size] of sizes ?? []) expect(size).toMatch(/^\d+ (bytes|kB|MB)$/)
  })

  test('A11: error rate and breakdown, failed calls included', async () => {
    const [rates] = await answerOf('Error Rates')
    const errors = (rates ?? []).reduce((sum, [, count]) => sum + Number(count), 0)
    const total = (rates ?? []).reduce((sum, [, , count]) => sum + Number(count), 0)
    expect([errors, total]).toEqual([1, 3])
    const [breakdown] = await answerOf('Error Categories')
    expect(breakdown).toEqual([['529', 'provider_overloaded', '1', '{billing}']])
  })

  test('A22: what pg_stat_statements knows of queries on the ledger', async () => {
    const [slowest] = await answerOf('Dashboard Performance')
    expect(slowest?.length).toBeGreaterThan(0)
  })

  test('A24: cost by day with a running sum, and the true cost beside it', async () => {
    const [days] = await answerOf('Budget Alerts')
    expect(Number(days?.[0]?.[2])).toBeGreaterThan(0)
    const [row] = await place.psql(`SELECT sum(cost_usd) FROM api_requests WHERE model = 'claude-3-opus-20240229'`)
    expect(Number(row?.[0])).toBeCloseTo(0.03, 9)
  })

  test('A9, A22: the database page shows the same', async () => {
    const { connections, tables, statements } = await place.store.report.read()
    const [count] = (await answerOf('Database Performance'))[0] ?? []
    // Their count has the server's own processes in it.
    expect(connections?.used).toBeLessThanOrEqual(Number(count?.[0]) + 1)
    expect(tables?.map(({ name }) => name)).toContain('api_requests')
    expect(statements).not.toBeNull()
  })
})
