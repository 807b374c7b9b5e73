import { expect, test } from 'vitest'
import { parseExposition, sumOf } from '../../test/support/exposition.ts'
import { keepingStream, movableClock, testTelemetry } from '../../test/support/telemetry.ts'
import { createWorkerTelemetry, telemetryConfig } from './index.ts'
import { WorkerTotals } from './worker-totals.ts'

/** A worker that has written so much; its metrics as they cross between processes. */
async function workerThatWrote(writtenBytes: number) {
  const worker = createWorkerTelemetry({
    config: telemetryConfig.parse({}),
    clock: movableClock(),
    stdout: keepingStream(),
    isTty: false,
    version: '0.1.0',
    sources: {
      journal: () => ({ healthy: true, backlogBytes: 10, writtenBytes, errorsTotal: 0 }),
      streams: () => ({ open: 3, oldestIdleSeconds: 2 }),
    },
  })
  worker.metrics.httpRequestFinished({ route: '/health', method: 'GET', status: 200, seconds: 0.001 })
  const metrics = JSON.parse(JSON.stringify(await worker.metricsJson()))
  await worker.close()
  return metrics
}

async function scraped(totals: WorkerTotals, answered: readonly number[]) {
  const { telemetry } = testTelemetry()
  const samples = parseExposition(await telemetry.metricsText({ redacted: false }, totals.all(new Set(answered))))
  await telemetry.close()
  return {
    written: sumOf(samples, 'signalbox_journal_written_bytes_total'),
    calls: sumOf(samples, 'http_request_duration_seconds_count', { route: '/health', method: 'GET' }),
    streams: sumOf(samples, 'signalbox_gateway_streams'),
  }
}

test('totals of workers that end, one after the other, are kept and counted once', async () => {
  const totals = new WorkerTotals()
  totals.heard(1, await workerThatWrote(1000))
  totals.heard(2, await workerThatWrote(200))
  expect(await scraped(totals, [1, 2])).toEqual({ written: 1200, calls: 2, streams: 6 })
  await totals.ended(1)
  expect(await scraped(totals, [2])).toEqual({ written: 1200, calls: 2, streams: 3 })
  totals.heard(3, await workerThatWrote(5))
  await totals.ended(2)
  expect(await scraped(totals, [3])).toEqual({ written: 1205, calls: 3, streams: 3 })
  totals.heard(4, await workerThatWrote(3))
  await Promise.all([totals.ended(3), totals.ended(4)])
  expect(await scraped(totals, [])).toMatchObject({ written: 1208, calls: 4 })
  expect(totals.all(new Set())).toHaveLength(1)
})

test('a worker that does not answer in time keeps its totals; what it does at the moment is not known', async () => {
  const totals = new WorkerTotals()
  totals.heard(1, await workerThatWrote(1000))
  totals.heard(2, await workerThatWrote(200))
  expect(await scraped(totals, [2])).toEqual({ written: 1200, calls: 2, streams: 3 })
})

test('a worker that ended before it told anything is nothing', async () => {
  const totals = new WorkerTotals()
  await totals.ended(9)
  expect(totals.all(new Set())).toEqual([])
})
