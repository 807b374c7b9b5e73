// @ts-check
/**
 * What a scrape costs: `node bench/scrape.mjs [--workers 4] [--scrapes 50]`. Needs a build (dist/). The office's registry is
 * filled to its limit of series by invented names, and each worker sends what a worker sends; then the exposition is asked
 * for again and again. The goal is 50 ms.
 */
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from './lib/stats.mjs'

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist')
const { values } = parseArgs({
  options: { workers: { type: 'string', default: '4' }, scrapes: { type: 'string', default: '50' } },
})
/** @param {string} path @returns {Promise<any>} */
const built = (path) => import(pathToFileURL(join(dist, path)).href)
const { createTelemetry, createWorkerTelemetry, telemetryConfig } = await built('telemetry/index.js')
const { systemClock } = await built('core/clock.js')
const { unansweredExchange } = await built('core/unanswered-exchange.js')

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })
const common = { clock: systemClock, isTty: false, version: '0.0.0' }

/** @param {number} invented how many names of each kind */
async function filled(invented) {
  const telemetry = createTelemetry({
    ...common,
    config: telemetryConfig.parse({ logLevel: 'error', domainLabels: 1000, modelLabels: 500 }),
    stdout: nowhere(),
    isKnownModel: () => true,
    providers: ['anthropic'],
    sources: {},
  })
  const endpoints = ['messages', 'count_tokens', 'models', 'passthrough']
  for (let call = 0; call < invented; call += 1) {
    const start = {
      ...{ id: `id-${call}`, openedAt: Date.now(), method: 'POST', path: '/v1/messages', keyId: null, sessionId: null },
      ...{
        endpoint: endpoints[call % 4],
        domain: `domain-${call}`,
        account: `account-${call}`,
        provider: `p-${call % 40}`,
      },
      ...{ requestedModel: `model-${call}`, streaming: true, agentId: null, parentAgentId: null, requestBytes: 9 },
    }
    const closed = unansweredExchange(start, {
      ...{ closedAt: Date.now(), statusCode: 200 + (call % 400), outcome: 'ok', errorType: null, errorMessage: null },
      attempts: 1,
    })
    telemetry.observer.exchangeClosed({ ...closed, costUsd: 0, priceSource: 'none' })
  }
  return telemetry
}

const workers = []
for (let index = 0; index < Number(values.workers); index += 1) {
  const worker = createWorkerTelemetry({
    ...common,
    config: telemetryConfig.parse({}),
    stdout: nowhere(),
    sources: {
      journal: () => ({ healthy: true, backlogBytes: 0, writtenBytes: 1, errorsTotal: 0 }),
      streams: () => ({ open: 1, oldestIdleSeconds: 0 }),
    },
  })
  worker.metrics.httpRequestFinished({ route: '/health', method: 'GET', status: 200, seconds: 0.001 })
  workers.push(worker)
}

console.log(`Node ${process.version}, ${workers.length} workers, goal 50 ms\n`)
for (const [name, invented, redacted] of /** @type {const} */ ([
  ['a quiet gateway', 20, false],
  ['at the limit of series', 20_000, false],
  ['at the limit, redacted', 20_000, true],
])) {
  const telemetry = await filled(invented)
  /** @type {number[]} */
  const times = []
  let series = 0
  for (let scrape = 0; scrape < Number(values.scrapes); scrape += 1) {
    const sent = await Promise.all(
      workers.map(async (worker) => JSON.parse(JSON.stringify(await worker.metricsJson()))),
    )
    const began = performance.now()
    const text = await telemetry.metricsText({ redacted }, sent)
    times.push(performance.now() - began)
    series = text.split('\n').filter((/** @type {string} */ line) => line !== '' && !line.startsWith('#')).length
  }
  times.sort((a, b) => a - b)
  const p99 = times[Math.ceil(times.length * 0.99) - 1] ?? 0
  console.log(
    `${median(times).toFixed(1).padStart(7)} ms  ${name}: ${series} series  (p99 ${p99.toFixed(1)} ms)${median(times) > 50 ? '  OVER THE GOAL' : ''}`,
  )
  await telemetry.close()
}
for (const worker of workers) await worker.close()
