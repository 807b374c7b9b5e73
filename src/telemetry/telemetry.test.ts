import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exchangeOpenedArbitrary, recordedExchangeArbitrary } from '../../test/support/exchange-arbitrary.ts'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { parseExposition, type Sample, sumOf } from '../../test/support/exposition.ts'
import { keepingStream, movableClock, testTelemetry } from '../../test/support/telemetry.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import type { DatabaseState, JournalState, RecorderState } from '../core/signals.ts'
import type { MetricRow } from './catalogue/row.ts'
import { metricsContentType } from './exposition.ts'
import { createWorkerTelemetry, type Telemetry, telemetryConfig } from './index.ts'
import { metricCatalogue } from './metric-catalogue.ts'

const shown = { redacted: false }
/** Of sources that this process does not have, or that have a part for each sink. */
const elsewhere =
  /^signalbox_(?:healthy|sse_connections|gateway_streams|stream_oldest|journal_|backup_|retention_|log_dropped|log_write|log_dir|label_overflow)/
const idleRecorder: RecorderState = {
  ...{ queueRows: 0, queueBytes: 0, lagSeconds: 0, journalBytes: 0, writtenTotal: 0, writeErrorsTotal: 0 },
  ...{ droppedTotal: {}, openExchanges: 0 },
}

function recorded(rest: Partial<RecordedExchange> = {}): RecordedExchange {
  return { ...closedExchange(), costUsd: 0.01, priceSource: 'genai-prices', ...rest }
}

async function scrape(telemetry: Telemetry, form = shown): Promise<readonly Sample[]> {
  return parseExposition(await telemetry.metricsText(form))
}

describe('the seeds’ metrics', () => {
  test('exist at 0 before the first call, or rate() would miss the first failure', async () => {
    const { telemetry } = testTelemetry()
    const samples = await scrape(telemetry)
    for (const status of ['200', '400', '401', '403', '404', '413', '429', '499', '500', '502', '503', '504', '529'])
      expect(sumOf(samples, 'http_requests_total', { method: 'POST', route: '/v1/messages', status }), status).toBe(0)
    for (const type of ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'])
      expect(sumOf(samples, 'claude_proxy_tokens_total', { type })).toBe(0)
    for (const le of ['50', '100', '500', '1000', '600000', '+Inf'])
      expect(sumOf(samples, 'claude_proxy_response_time_bucket', { le })).toBe(0)
    expect(sumOf(samples, 'http_request_duration_seconds_bucket', { route: '/v1/messages', le: '600' })).toBe(0)
    expect(sumOf(samples, 'signalbox_errors_total', { error_type: 'provider_overloaded', provider: 'anthropic' })).toBe(
      0,
    )
    await telemetry.close()
  })

  test('count a call by domain, status and token type, and its time in milliseconds', async () => {
    const { telemetry } = testTelemetry()
    const usage = { input: 1, output: 20, cacheRead: 300, cacheWrite5m: 4000, cacheWrite1h: 50000, reasoning: 7 }
    telemetry.observer.exchangeClosed(recorded({ usage, durationMs: 750 }))
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'claude_proxy_requests_total', { domain: 'web' })).toBe(1)
    expect(sumOf(samples, 'claude_proxy_tokens_total')).toBe(54321)
    expect(sumOf(samples, 'claude_proxy_response_time_bucket', { le: '500' })).toBe(0)
    expect(sumOf(samples, 'claude_proxy_response_time_bucket', { le: '1000' })).toBe(1)
    expect(sumOf(samples, 'claude_proxy_response_time_sum')).toBe(750)
    expect(sumOf(samples, 'http_requests_total', { method: 'POST', route: '/v1/messages', status: '200' })).toBe(1)
    expect(sumOf(samples, 'http_request_duration_seconds_sum', { method: 'POST', route: '/v1/messages' })).toBe(0.75)
    expect(sumOf(samples, 'signalbox_reasoning_tokens_total')).toBe(7)
    await telemetry.close()
  })

  test('count calls of the listener that are no exchanges', async () => {
    const { telemetry } = testTelemetry()
    telemetry.metrics.httpRequestFinished({ route: '/health', method: 'GET', status: 200, seconds: 0.002 })
    telemetry.metrics.httpRequestFinished({ route: '/made/up', method: 'BREW', status: 418, seconds: 0.002 })
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'http_requests_total', { route: '/health', status: '200' })).toBe(1)
    expect(sumOf(samples, 'http_requests_total', { route: 'other', method: 'other', status: '400' })).toBe(1)
    await telemetry.close()
  })
})

describe('our metrics', () => {
  test('a 200 that broke in mid-stream is a failure after the first byte', async () => {
    const { telemetry } = testTelemetry()
    telemetry.observer.exchangeClosed(
      recorded({
        outcome: 'provider_error',
        errorType: 'provider_stream_cut',
        statusCode: 502,
        upstreamStatus: 200,
        failedAfterFirstByte: true,
        usageSource: 'partial',
        usageFlags: ['no_split'],
      }),
    )
    const samples = await scrape(telemetry)
    const labels = { error_type: 'provider_stream_cut', provider: 'anthropic', phase: 'after_first_byte' }
    expect(sumOf(samples, 'signalbox_errors_total', labels)).toBe(1)
    expect(sumOf(samples, 'http_requests_total', { route: '/v1/messages', status: '502' })).toBe(1)
    expect(sumOf(samples, 'http_requests_total', { route: '/v1/messages', status: '200' })).toBe(0)
    expect(sumOf(samples, 'signalbox_upstream_requests_total', { status: '200' })).toBe(1)
    expect(sumOf(samples, 'signalbox_estimated_usage_requests_total', { reason: 'partial' })).toBe(1)
    expect(sumOf(samples, 'signalbox_usage_flags_total', { flag: 'no_split' })).toBe(1)
    await telemetry.close()
  })

  test('limits of the provider and our own are told apart', async () => {
    const { telemetry } = testTelemetry()
    telemetry.observer.exchangeClosed(
      recorded({ outcome: 'provider_error', errorType: 'provider_rate_limited', statusCode: 429, upstreamStatus: 429 }),
    )
    telemetry.observer.exchangeClosed(
      recorded({
        outcome: 'policy_refused',
        errorType: 'policy_rate_limited',
        statusCode: 429,
        upstreamStatus: null,
        provider: null,
      }),
    )
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_rate_limit_hits_total', { source: 'upstream', provider: 'anthropic' })).toBe(1)
    expect(sumOf(samples, 'signalbox_rate_limit_hits_total', { source: 'gateway', provider: 'none' })).toBe(1)
    await telemetry.close()
  })

  test('what is open goes up when a call opens and comes back when it closes, however it ends', async () => {
    const { telemetry } = testTelemetry()
    const opened = openedExchange()
    telemetry.observer.exchangeOpened(opened)
    let samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_in_flight_requests', { endpoint: 'messages' })).toBe(1)
    expect(sumOf(samples, 'signalbox_open_streams', { provider: 'anthropic' })).toBe(1)
    telemetry.observer.exchangeClosed(
      recorded({ id: opened.id, outcome: 'interrupted', errorType: 'gateway_internal' }),
    )
    telemetry.observer.exchangeClosed(recorded({ id: 'never opened' }))
    samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_in_flight_requests')).toBe(0)
    expect(sumOf(samples, 'signalbox_open_streams')).toBe(0)
    await telemetry.close()
  })

  test('show the states of recorder, database and dashboard, and totals that survive the restart of a part', async () => {
    const recorder: RecorderState = {
      ...{ queueRows: 7, queueBytes: 700, lagSeconds: 120, journalBytes: 4096, writtenTotal: 10, writeErrorsTotal: 2 },
      ...{ droppedTotal: { unreadable: 1 }, openExchanges: 0 },
    }
    let written = 10
    const database: DatabaseState = { up: false, pool: { used: 3, idle: 1, waiting: 5, max: 10 } }
    const sources = {
      recorder: () => ({ ...recorder, writtenTotal: written }),
      database: () => database,
      sseConnections: () => 2,
    }
    const { telemetry } = testTelemetry({ sources })
    telemetry.queryFinished({ name: 'usage-by-model', ms: 6210, rows: 96, failed: false })
    telemetry.queryFinished({ name: 'usage-by-model', ms: 12, rows: 3, failed: true })
    await scrape(telemetry)
    written = 4
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_ledger_queue_rows')).toBe(7)
    expect(sumOf(samples, 'signalbox_ledger_lag_seconds')).toBe(120)
    expect(sumOf(samples, 'signalbox_ledger_written_total')).toBe(14)
    expect(sumOf(samples, 'signalbox_ledger_dropped_total', { reason: 'unreadable' })).toBe(1)
    expect(sumOf(samples, 'signalbox_db_up')).toBe(0)
    expect(sumOf(samples, 'signalbox_db_pool_connections', { state: 'waiting' })).toBe(5)
    expect(sumOf(samples, 'signalbox_db_query_seconds_count', { query: 'usage-by-model' })).toBe(2)
    expect(sumOf(samples, 'signalbox_db_slow_queries_total', { query: 'usage-by-model' })).toBe(1)
    expect(sumOf(samples, 'signalbox_db_query_errors_total', { query: 'usage-by-model' })).toBe(1)
    expect(sumOf(samples, 'signalbox_sse_connections')).toBe(2)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'recorder' })).toBe(0)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'database' })).toBe(0)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'log' })).toBe(1)
    await telemetry.close()
  })

  test('time the pieces of streams, the writes to the ledger and the waits for a connection', async () => {
    const { telemetry } = testTelemetry({
      sources: { database: () => ({ up: true, pool: { used: 0, idle: 0, waiting: 0, max: 1 }, sizeBytes: 8_192 }) },
    })
    telemetry.observer.exchangeClosed(recorded({ provider: 'anthropic', interTokenMs: { mean: 22, max: 900 } }))
    telemetry.observer.exchangeClosed(recorded({ provider: 'anthropic' }))
    telemetry.ledgerFlushed({ ms: 40, rows: 200, failed: false })
    telemetry.ledgerFlushed({ ms: 30_000, rows: 200, failed: true })
    telemetry.connectionWaited(3)
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_inter_token_seconds_sum', { provider: 'anthropic' })).toBe(0.022)
    expect(sumOf(samples, 'signalbox_inter_token_max_seconds_sum', { provider: 'anthropic' })).toBe(0.9)
    expect(sumOf(samples, 'signalbox_inter_token_seconds_count', { provider: 'anthropic' })).toBe(1)
    expect(sumOf(samples, 'signalbox_ledger_flush_seconds_count')).toBe(2)
    expect(sumOf(samples, 'signalbox_db_pool_wait_seconds_bucket', { le: '0.005' })).toBe(1)
    expect(sumOf(samples, 'signalbox_db_size_bytes')).toBe(8_192)
    await telemetry.close()
  })

  test('say nothing of what nobody has looked at yet, for 0 would be an alarm', async () => {
    const sources = {
      database: () => ({ up: true, pool: { used: 0, idle: 0, waiting: 0, max: 1 }, sizeBytes: null }),
      retention: () => ({
        okTotal: 0,
        failedTotal: 0,
        bytesFreedTotal: 0,
        lastSuccessAt: null,
        partitionDaysAhead: null,
      }),
    }
    const { telemetry } = testTelemetry({ sources })
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_db_size_bytes')).toBeNaN()
    expect(sumOf(samples, 'signalbox_partition_days_ahead')).toBeNaN()
    await telemetry.close()
  })

  test('split the cost by what was charged, and lose none that came in one piece', async () => {
    const { telemetry } = testTelemetry()
    const costParts = { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5, units: 6 }
    telemetry.observer.exchangeClosed(recorded({ costUsd: 21, costParts }))
    telemetry.observer.exchangeClosed(recorded({ costUsd: 0.5 }))
    const samples = await scrape(telemetry)
    const cost = (type: string) => sumOf(samples, 'signalbox_cost_usd_total', { type })
    expect(['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'].map(cost)).toEqual([1, 2, 3, 4, 5])
    expect(sumOf(samples, 'signalbox_cost_usd_total')).toBe(21.5)
    await telemetry.close()
  })

  test('are all there at 0 where their labels are closed sets, whatever has happened so far', async () => {
    const { telemetry } = testTelemetry({
      sources: {
        settings: () => ({ current: true, readAt: 0 }),
        recorder: () => idleRecorder,
        database: () => ({ up: true, pool: { used: 0, idle: 0, waiting: 0, max: 1 } }),
      },
    })
    const samples = await scrape(telemetry)
    const missing: string[] = []
    for (const [name, row] of Object.entries(metricCatalogue) as [string, MetricRow][]) {
      const sets = Object.values(row.labels)
      if (row.late === true || sets.some((values) => typeof values === 'string')) continue
      // Of methods, routes and statuses only the combinations that alerts look at are made.
      if (name.startsWith('http_') || row.labels.process !== undefined || elsewhere.test(name)) continue
      const combinations = sets.reduce<number>((product, values) => product * values.length, 1)
      const series = samples.filter((sample) => sample.name === (row.kind === 'histogram' ? `${name}_count` : name))
      if (series.length !== combinations) missing.push(`${name}: ${series.length} of ${combinations}`)
    }
    expect(missing).toEqual([])
    await telemetry.close()
  })

  test('a source that fails costs its own metrics, not the scrape', async () => {
    const sources = {
      database: (): DatabaseState => {
        throw new Error('gone')
      },
      sseConnections: () => 3,
    }
    const { telemetry, stdout } = testTelemetry({ sources })
    expect(sumOf(await scrape(telemetry), 'signalbox_sse_connections')).toBe(3)
    await scrape(telemetry)
    await telemetry.close()
    expect(stdout.lines().filter(({ event }) => event === 'metrics_source_failed')).toHaveLength(1)
  })

  test('tell of the process itself', async () => {
    const { telemetry } = testTelemetry({ commit: 'abc123' })
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_build_info', { version: '0.1.0', commit: 'abc123' })).toBe(1)
    expect(sumOf(samples, 'process_resident_memory_bytes', { process: 'office' })).toBeGreaterThan(1e6)
    expect(sumOf(samples, 'process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(sumOf(samples, 'signalbox_event_loop_utilization')).toBeLessThanOrEqual(1)
    await telemetry.close()
  })
})

describe('a limit on everything', () => {
  test('100,000 invented names in every field make at most 5,000 series, and every call is counted', {
    timeout: 120_000,
  }, async () => {
    const { telemetry } = testTelemetry({
      config: { logLevel: 'error', domainLabels: 1000, modelLabels: 500 },
      // The worst case: whatever a caller invents counts as known.
      isKnownModel: () => true,
    })
    const endpoints = ['messages', 'count_tokens', 'models', 'passthrough'] as const
    const outcomes = ['ok', 'caller_error', 'provider_error', 'cancelled'] as const
    const calls = 100_000
    const plain = recorded()
    for (let call = 0; call < calls; call++) {
      const outcome = outcomes[call % 4] ?? 'ok'
      telemetry.observer.exchangeClosed({
        ...plain,
        id: `id-${call}`,
        domain: `domain-${call}\u0000"\\\n`,
        provider: `provider-${call % 999}`,
        requestedModel: `model-${call}`,
        model: `answered-${call}`,
        method: `M${call}`,
        endpoint: endpoints[call % 4] ?? 'messages',
        outcome,
        errorType: outcome === 'ok' ? null : 'other',
        statusCode: 200 + (call % 400),
        upstreamStatus: 200 + (call % 400),
        usageFlags: [`flag-${call}`],
        path: `/path/${call}`,
        account: `account-${call}`,
        sessionId: `session-${call}`,
        interTokenMs: { mean: call, max: call },
        rateLimitHeaders: {
          [`anthropic-ratelimit-unified-w${call}-utilization`]: '0.5',
          'anthropic-ratelimit-requests-limit': String(call),
        },
      })
      telemetry.queryFinished({ name: `query-${call}`, ms: 1, rows: 1, failed: false })
      telemetry.metrics.httpRequestFinished({ route: `/r${call}`, method: `M${call}`, status: call, seconds: 0 })
    }
    const samples = await scrape(telemetry)
    expect(samples.length).toBeLessThanOrEqual(5000)
    expect(samples.length).toBeGreaterThan(1000)
    expect(sumOf(samples, 'signalbox_metric_series')).toBe(samples.length)
    expect(sumOf(samples, 'claude_proxy_requests_total')).toBe(calls)
    expect(sumOf(samples, 'signalbox_requests_total')).toBe(calls)
    expect(sumOf(samples, 'http_requests_total')).toBe(2 * calls)
    expect(sumOf(samples, 'signalbox_db_query_seconds_count')).toBe(calls)
    for (const label of ['domain', 'provider', 'model', 'flag', 'query', 'account', 'series'])
      expect(sumOf(samples, 'signalbox_label_overflow_total', { label }), label).toBeGreaterThan(0)
    await telemetry.close()
  })

  test('names of models that nobody knows are one series, and no overflow', async () => {
    const { telemetry } = testTelemetry({ config: { logLevel: 'error' } })
    for (let call = 0; call < 100; call++)
      telemetry.observer.exchangeClosed(recorded({ requestedModel: `m${call}`, model: `m${call}` }))
    telemetry.observer.exchangeClosed(recorded({ model: 'a-dated-name', requestedModel: 'claude-opus-5' }))
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_requests_total', { model: 'other' })).toBe(100)
    expect(sumOf(samples, 'signalbox_requests_total', { model: 'claude-opus-5' })).toBe(1)
    expect(sumOf(samples, 'signalbox_label_overflow_total')).toBe(0)
    await telemetry.close()
  })

  test('whatever is recorded, the exposition keeps the grammar and only known metrics', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(recordedExchangeArbitrary, { maxLength: 20 }), async (exchanges) => {
        const { telemetry, stdout } = testTelemetry()
        for (const exchange of exchanges) telemetry.observer.exchangeClosed(exchange)
        const samples = await scrape(telemetry)
        for (const { name } of samples)
          expect(Object.keys(metricCatalogue)).toContain(
            Object.hasOwn(metricCatalogue, name) ? name : name.replace(/_(?:bucket|sum|count)$/, ''),
          )
        expect(sumOf(samples, 'signalbox_observer_errors_total')).toBe(0)
        await telemetry.close()
        expect(stdout.lines()).toHaveLength(1 + 2 * exchanges.length)
      }),
      { numRuns: 30 },
    )
  })
})

describe('the redacted form', () => {
  test('names no domain and loses no call', async () => {
    const { telemetry } = testTelemetry()
    for (const domain of ['secret-project', 'acme', 'acme']) telemetry.observer.exchangeClosed(recorded({ domain }))
    const text = await telemetry.metricsText({ redacted: true })
    expect(text).not.toMatch(/secret-project|acme/)
    const samples = parseExposition(text)
    expect(sumOf(samples, 'claude_proxy_requests_total', { domain: 'redacted' })).toBe(3)
    expect(sumOf(await scrape(telemetry), 'claude_proxy_requests_total', { domain: 'acme' })).toBe(2)
    await telemetry.close()
  })
})

describe('several processes', () => {
  const worker = (journal: Partial<JournalState>) =>
    createWorkerTelemetry({
      config: telemetryConfig.parse({}),
      clock: movableClock(),
      stdout: keepingStream(),
      isTty: false,
      version: '0.1.0',
      sources: {
        journal: () => ({ healthy: true, backlogBytes: 10, writtenBytes: 1000, errorsTotal: 0, ...journal }),
        streams: () => ({ open: 3, oldestIdleSeconds: journal.healthy === false ? 9 : 2 }),
      },
    })

  test('are one exposition: sums, and the worst where a sum means nothing', async () => {
    const { telemetry } = testTelemetry({ sources: { sseConnections: () => 1 } })
    telemetry.observer.exchangeClosed(recorded())
    const workers = [worker({}), worker({ healthy: false })]
    // As JSON, because that is how it crosses between processes.
    workers[0]?.metrics.httpRequestFinished({ route: '/health', method: 'GET', status: 200, seconds: 0.001 })
    const sent = await Promise.all(workers.map(async (one) => JSON.parse(JSON.stringify(await one.metricsJson()))))
    const samples = parseExposition(await telemetry.metricsText(shown, sent))
    expect(sumOf(samples, 'signalbox_journal_written_bytes_total')).toBe(2000)
    expect(sumOf(samples, 'http_requests_total', { route: '/health', status: '200' })).toBe(1)
    expect(sumOf(samples, 'http_requests_total', { route: '/v1/messages', status: '200' })).toBe(1)
    expect(sumOf(samples, 'signalbox_gateway_streams')).toBe(6)
    expect(sumOf(samples, 'signalbox_stream_oldest_idle_seconds')).toBe(9)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'journal' })).toBe(0)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'log' })).toBe(1)
    expect(sumOf(samples, 'signalbox_build_info')).toBe(1)
    const memory = (process: string) => sumOf(samples, 'process_resident_memory_bytes', { process })
    expect(memory('gateway')).toBeGreaterThan(1.5 * memory('office'))
    expect(sumOf(samples, 'signalbox_log_lines_total', { level: 'info' })).toBe(3)
    expect(sumOf(samples, 'claude_proxy_requests_total', { domain: 'web' })).toBe(1)
    expect(sumOf(samples, 'signalbox_sse_connections')).toBe(1)
    await Promise.all([telemetry, ...workers].map((one) => one.close()))
  })
})

describe('the log of exchanges', () => {
  test('pairs a request and a response line for every call, also for those refused before they opened', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(exchangeOpenedArbitrary, recordedExchangeArbitrary, fc.boolean()), { maxLength: 20 }),
        async (calls) => {
          const { telemetry, stdout } = testTelemetry()
          for (const [opened, , wasOpened] of calls) if (wasOpened) telemetry.observer.exchangeOpened(opened)
          for (const [opened, closed] of calls) telemetry.observer.exchangeClosed({ ...closed, id: opened.id })
          await telemetry.close()
          const lines = stdout.lines()
          const ids = (action: string) => lines.filter((line) => line.action === action).map((line) => line.request_id)
          expect(ids('anthropic_request').toSorted()).toEqual(calls.map(([{ id }]) => id).toSorted())
          expect(ids('anthropic_response').toSorted()).toEqual(ids('anthropic_request').toSorted())
          for (const [opened] of calls) {
            const [first, second] = lines.filter((line) => line.request_id === opened.id)
            expect([first?.action, second?.action]).toEqual(['anthropic_request', 'anthropic_response'])
          }
          const withDuration = lines.filter((line) => 'duration_ms' in line)
          expect(withDuration.every((line) => line.action === 'anthropic_response')).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('an opening that is told twice is one line', async () => {
    const { telemetry, stdout } = testTelemetry()
    telemetry.observer.exchangeOpened(openedExchange())
    telemetry.observer.exchangeOpened(openedExchange())
    await telemetry.close()
    expect(stdout.lines().filter(({ action }) => action === 'anthropic_request')).toHaveLength(1)
  })

  test('is dated when things happened, not when they were read', async () => {
    const { telemetry, stdout } = testTelemetry({ clock: movableClock(Date.UTC(2030, 0, 1)) })
    telemetry.observer.exchangeClosed(recorded({ openedAt: 1_000, closedAt: 2_500 }))
    await telemetry.close()
    expect(stdout.lines().map(({ timestamp }) => timestamp)).toEqual([Date.UTC(2030, 0, 1), 1_000, 2_500])
  })

  test('a record that breaks an observer breaks neither the recorder nor the next record', async () => {
    const { telemetry, stdout } = testTelemetry()
    // As a damaged journal could hold it.
    const broken = { ...recorded({ id: 'broken' }), usage: null } as unknown as RecordedExchange
    expect(() => telemetry.observer.exchangeClosed(broken)).not.toThrow()
    telemetry.observer.exchangeClosed(recorded({ id: 'whole' }))
    expect(sumOf(await scrape(telemetry), 'signalbox_observer_errors_total')).toBe(2)
    await telemetry.close()
    expect(stdout.lines().filter(({ request_id }) => request_id === 'whole')).toHaveLength(2)
    expect(stdout.lines().filter(({ event }) => event === 'observer_failed')).toHaveLength(1)
  })
})

describe('standard output', () => {
  test('is readable on a terminal, and a caller can not drive the terminal', async () => {
    const { telemetry, stdout } = testTelemetry({ isTty: true })
    telemetry.observer.exchangeClosed(recorded({ model: 'x\u001b[2J\u009b2J', domain: 'web' }))
    await telemetry.close()
    expect(stdout.text()).toMatch(/request completed .*domain=web/)
    expect(stdout.text()).not.toContain('\u001b[2J')
    expect(stdout.text()).not.toContain('\u009b')
    expect(() => stdout.lines()).toThrow(SyntaxError)
  })

  test('is JSON on a terminal too where that is asked for', async () => {
    const { telemetry, stdout } = testTelemetry({ isTty: true, config: { logFormat: 'json' } })
    await telemetry.close()
    expect(stdout.lines()).toHaveLength(1)
  })

  test('that has lost its reader is counted and survived', async () => {
    const stdout = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      },
    })
    const { telemetry } = testTelemetry({ stdout })
    telemetry.logger.info('one', 'one')
    await telemetry.close()
    telemetry.logger.info('two', 'two')
    const samples = await scrape(telemetry)
    expect(sumOf(samples, 'signalbox_log_dropped_total', { sink: 'stdout' })).toBe(3)
    expect(sumOf(samples, 'signalbox_healthy', { component: 'log' })).toBe(0)
  })
})

test('a scraper over HTTP reads it under the content type of the format', async () => {
  const { telemetry } = testTelemetry()
  const server = createServer(async (_request, response) => {
    const text = await telemetry.metricsText(shown)
    response.writeHead(200, { 'content-type': metricsContentType }).end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(parseExposition(await answer.text()).length).toBeGreaterThan(100)
  server.close()
  await telemetry.close()
})
