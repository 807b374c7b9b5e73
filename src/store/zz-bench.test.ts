import { rm } from 'node:fs/promises'
import pg from 'pg'
import { test } from 'vitest'
import { temporaryDataDir } from '../../test/support/postgres.ts'
import { systemClock } from '../core/clock.ts'
import { uuidv7 } from '../core/ids.ts'
import { silentLogger } from '../core/logger.ts'
import { startEmbedded } from './drivers/embedded/start-embedded.ts'
import { migrate } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { createWriteExchanges } from './writers/write-exchanges.ts'

test('bench', async () => {
  const dataDir = await temporaryDataDir()
  const db = await startEmbedded({ dataDir, clock: systemClock, logger: silentLogger })
  try {
  const pool = new pg.Pool({ connectionString: db.url })
  await migrate(pool)
  await ensurePartitions(pool, Date.now())
  const now = Date.now()
  const size = Number(process.env.B ?? 500)
  const make = (n: number, i: number): any => {
    const t = now - 60000 + n * 50 + (i % 50)
    return {
      id: uuidv7(t),
      openedAt: t,
      closedAt: t + 900,
      durationMs: Math.round(Math.exp(5 + Math.random() * 5) * 1000) / 1000,
      ttftMs: Math.round(Math.exp(4 + Math.random() * 3) * 1000) / 1000,
      upstreamMs: 1200.25,
      overheadMs: 0.412,
      usage: { input: 1200, output: 340, cacheRead: 45000, cacheWrite5m: 200, cacheWrite1h: 0, reasoning: null },
      requestBytes: 204800,
      responseBytes: 15000,
      statusCode: i % 20 ? 200 : 429,
      upstreamStatus: 200,
      attempts: 1,
      serverToolUse: null,
      streaming: true,
      failedAfterFirstByte: false,
      costUsd: 0.0123456,
      domain: 'domain' + (i % 5),
      account: 'acc' + (i % 2),
      keyId: 'k_00000000000' + (i % 10),
      provider: 'anthropic',
      model: 'claude-opus-4-' + (i % 3),
      requestedModel: 'claude-opus-4-' + (i % 3),
      endpoint: 'messages',
      method: 'POST',
      path: '/v1/messages',
      outcome: i % 20 ? 'ok' : 'provider_error',
      errorType: i % 20 ? null : 'provider_rate_limited',
      errorMessage: null,
      priceSource: 'genai-prices',
      usageSource: 'reported',
      usageFlags: [],
      stopReason: 'tool_use',
      serviceTier: 'standard',
      speed: null,
      inferenceGeo: null,
      sessionId: '3f2b8c1e-0000-4000-8000-000000000' + (100 + (i % 100)),
      agentId: null,
      parentAgentId: null,
      rateLimitHeaders: { 'anthropic-ratelimit-requests-limit': '4000', 'anthropic-ratelimit-requests-remaining': '3999', 'anthropic-ratelimit-requests-reset': '2026-11-23T11:00:00Z', 'anthropic-ratelimit-input-tokens-limit': '400000', 'anthropic-ratelimit-input-tokens-remaining': String(400000 - i), 'anthropic-ratelimit-input-tokens-reset': '2026-11-23T11:00:00Z', 'anthropic-ratelimit-output-tokens-limit': '80000', 'anthropic-ratelimit-output-tokens-remaining': '80000', 'anthropic-ratelimit-output-tokens-reset': '2026-11-23T11:00:00Z' }, upstreamRequestId: 'req_011CTxxxxxxxxxxxxxxx' + i,
    }
  }
  const client = await pool.connect()
  const sql = { query: async (name: string, text: string, values: readonly unknown[] = []): Promise<any> => (await client.query({ name, text, values: [...values] })).rows }
  const write = createWriteExchanges(sql)
  const batches = Array.from({ length: Math.ceil(60000 / size) }, (_, n) => Array.from({ length: size }, (_, i) => make(n, i)))
  const cpu = process.cpuUsage()
  const t0 = performance.now()
  let rows = 0
  for (const batch of batches) {
    rows += (await write(batch)).inserted
    if (rows % 20000 < size) console.log(rows, Math.round(rows / ((performance.now() - t0) / 1000)), 'rows/s')
  }
  const c = process.cpuUsage(cpu)
  console.log('client cpu us/row', ((c.user + c.system) / rows).toFixed(2))
  console.log((await client.query(`select relname, pg_total_relation_size(oid)/60000 bytes_row, pg_relation_size(oid)/60000 heap from pg_class where relkind in ('r') and relname ~ 'api_req|rollup|latency' and pg_relation_size(oid) > 0 order by 2 desc`)).rows.map((r) => JSON.stringify(r)).join('\n'))
  if (process.env.X) {
    const ex = { query: async (_n: string, text: string, values: readonly unknown[] = []): Promise<any> => { const r = await client.query('explain (analyze, costs off, summary on, buffers off) ' + text, [...values]); console.log(r.rows.map((x) => x['QUERY PLAN']).join('\n')); return [{ inserted: 0 }] } }
    await createWriteExchanges(ex)(Array.from({ length: size }, (_, i) => make(1000, i)))
  }
  client.release()
  await pool.end()
  } finally { await db.stop(); await rm(dataDir, { recursive: true }) }
}, 120000)
