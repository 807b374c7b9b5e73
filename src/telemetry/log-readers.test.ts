/** What the monitoring guides run on the log, with the real programs. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closedExchange, openedExchange } from '../../test/support/exchanges.ts'
import { movableClock, testTelemetry } from '../../test/support/telemetry.ts'
import type { RecordedExchange } from '../core/exchange.ts'
import { tellSlowQuery } from '../core/slow-query.ts'

const run = promisify(execFile)
const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false
  }
}

let folder: string
let log: string
/** The log as `docker compose logs` shows it. */
let composeLog: string
const now = Math.floor(Date.now() / 60_000) * 60_000
const anHourAgo = now - 3_600_000

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-readers-'))
  log = path.join(folder, 'app.log')
  composeLog = path.join(folder, 'compose.log')
  const { telemetry, stdout } = testTelemetry({ clock: movableClock(now), config: { logFile: log } })
  const calls: Partial<RecordedExchange>[] = [
    { id: 'quick', durationMs: 100.4 },
    { id: 'slow', durationMs: 6000 },
    { id: 'big', durationMs: 500, usage: { ...closedExchange().usage, cacheRead: 20_000 } },
    { id: 'failed', durationMs: 1400, outcome: 'provider_error', errorType: 'provider_overloaded', statusCode: 529 },
    {
      id: 'refused',
      durationMs: 0,
      outcome: 'caller_error',
      errorType: 'caller_unauthenticated',
      statusCode: 401,
      attempts: 0,
    },
  ]
  for (const call of calls) {
    const times = { openedAt: anHourAgo, closedAt: anHourAgo + (call.durationMs ?? 0) }
    if (call.id !== 'refused') telemetry.observer.exchangeOpened(openedExchange({ id: call.id ?? '', ...times }))
    telemetry.observer.exchangeClosed({ ...closedExchange(), ...call, ...times, costUsd: 0, priceSource: 'none' })
  }
  tellSlowQuery(telemetry.logger, { name: 'usage-by-model', ms: 6000, rows: 1, failed: false }, 5000)
  await telemetry.close()
  await writeFile(
    composeLog,
    stdout
      .text()
      .replaceAll(/^/gm, 'proxy-1  | ')
      .replace(/proxy-1 {2}\| $/, ''),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function shell(script: string): Promise<string> {
  const { stdout, stderr } = await run('bash', ['-c', script], {
    env: { ...process.env, LOG_FILE: log, COMPOSE: composeLog },
  })
  expect(stderr).toBe('')
  return stdout.trim()
}

describe.skipIf(!has('jq') || !has('bash'))('jq', () => {
  test('selects calls by tokens and by duration', async () => {
    expect(await shell(`jq -r 'select(.tokens.total > 10000) | .request_id' "$LOG_FILE"`)).toBe('big')
    expect(await shell(`jq -r 'select(.duration > 5000) | .request_id' "$LOG_FILE"`)).toBe('slow')
  })
})

describe.skipIf(!has('grep') || !has('awk') || !has('bash'))('grep and awk', () => {
  test('count errors by their type on the lines of docker compose', async () => {
    const counted = await shell(`cat "$COMPOSE" | grep ERROR | awk '{print $5}' | sort | uniq -c`)
    expect(counted).toBe('1 provider_overloaded')
  })

  test('find slow SQL', async () => {
    expect(await shell(`cat "$COMPOSE" | grep "Slow SQL query" | grep -c usage-by-model`)).toBe('1')
  })

  test('count the requests of an hour of the local clock', async () => {
    const hour = `date -d '@${anHourAgo / 1000}' '+%Y-%m-%dT%H'`
    const count = `grep "$(${hour})" "$LOG_FILE" | grep '"action":"anthropic_request"' | wc -l`
    expect(await shell(count)).toBe('5')
  })

  test.skipIf(!has('jq'))('average the response time over responses alone', async () => {
    const average = `grep '"duration_ms"' "$LOG_FILE" | jq '.duration_ms' | awk '{sum+=$1; count++} END {print sum/count "ms"}'`
    expect(await shell(average)).toBe('1600ms')
  })

  test('tell errors from all lines', async () => {
    expect(await shell(`grep '"level":"' "$LOG_FILE" | wc -l`)).toBe('12')
    expect(await shell(`grep '"level":"error"' "$LOG_FILE" | wc -l`)).toBe('1')
  })
})
