/** What the monitoring guides run on the log, with the real programs. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
    const times = { openedAt: anHourAgo, closedAt: anHourAgo + Math.round(call.durationMs ?? 0) }
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

/** The script of the guide, letter by letter but for the path of the log. */
const performanceMetrics = `
# Request count in last hour
echo "Requests in last hour:"
grep "$(date -d '1 hour ago' '+%Y-%m-%dT%H')" $LOG_FILE | \\
  grep '"action":"anthropic_request"' | wc -l

# Average response time
echo "Average response time:"
grep '"duration_ms"' $LOG_FILE | \\
  jq '.duration_ms' | \\
  awk '{sum+=$1; count++} END {print sum/count "ms"}'

# Error rate
echo "Error rate:"
total=$(grep '"level":"' $LOG_FILE | wc -l)
errors=$(grep '"level":"error"' $LOG_FILE | wc -l)
echo "scale=2; $errors * 100 / $total" | bc -l
`

describe.skipIf(!['jq', 'grep', 'awk', 'bash', 'bc'].every(has))('performance-metrics.sh', () => {
  test('tells requests, response time and errors', async () => {
    // Asked before and after: the hour may turn in between, and its requests are counted by the hour of the clock.
    const shown = await shell(performanceMetrics)
    const hourAgo = (at: number): number => Math.floor((at - 3_600_000) / 3_600_000)
    const requests = hourAgo(Date.now()) === Math.floor(anHourAgo / 3_600_000) ? '5' : '0'
    expect(shown.split('\n')).toEqual([
      ...['Requests in last hour:', requests],
      ...['Average response time:', '1600ms'],
      ...['Error rate:', '8.33'],
    ])
  })
})

describe('shippers', () => {
  const lines = async (): Promise<Record<string, unknown>[]> =>
    (await readFile(log, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  test('Logstash: its `type` is not in the way, `action` decides, and the day comes from `@timestamp`', async () => {
    // As the guide's filter: `type => "ccproxy"` is set where a line has none, then `action` is compared.
    const events: Record<string, unknown>[] = (await lines()).map((line) => ({ type: 'ccproxy', ...line }))
    const metricTypes = events.map(({ type, action }) => {
      if (type !== 'ccproxy') return 'unmatched'
      if (action === 'anthropic_request') return 'request'
      return action === 'anthropic_response' ? 'response' : 'other'
    })
    const count = (wanted: string): number => metricTypes.filter((type) => type === wanted).length
    expect([count('request'), count('response'), count('unmatched')]).toEqual([5, 5, 0])
    for (const event of events) {
      expect(typeof event.host).not.toBe('string')
      expect(Date.parse(String(event['@timestamp']))).toBe(event.timestamp)
    }
  })

  test('Filebeat: each line decodes to an object, and none of its keys is one of Filebeat’s own', async () => {
    for (const line of await lines())
      for (const own of ['host', 'agent', 'ecs', 'input', 'log', 'stream', 'container', 'docker', '@metadata', 'error'])
        expect(line).not.toHaveProperty([own])
  })

  test('Datadog: date, text and severity stand where its pipeline looks for them', async () => {
    for (const line of await lines()) {
      expect(Number.isInteger(line.timestamp)).toBe(true)
      expect(typeof line.message).toBe('string')
      expect(['DEBUG', 'INFO', 'WARNING', 'ERROR']).toContain(line.severity)
    }
  })

  test('Kibana: a response has what its charts are drawn from', async () => {
    const responses = (await lines()).filter(({ action }) => action === 'anthropic_response')
    for (const line of responses)
      expect(line).toMatchObject({
        provider: expect.any(String),
        model: expect.any(String),
        status_code: expect.any(Number),
        duration_ms: expect.any(Number),
        tokens: { total: expect.any(Number) },
      })
    expect(responses.filter((line) => 'error_type' in line).map(({ error_type }) => error_type)).toEqual([
      'provider_overloaded',
      'caller_unauthenticated',
    ])
  })

  test('a file whose `event` has another name for them keeps the order of all else', async () => {
    const file = path.join(folder, 'renamed.log')
    const { telemetry, stdout } = testTelemetry({ config: { logFile: file, logFileEventField: 'event_name' } })
    telemetry.observer.exchangeClosed({ ...closedExchange({ id: ',"event":' }), costUsd: 0, priceSource: 'none' })
    await telemetry.close()
    expect((await readFile(file, 'utf8')).replaceAll(',"event_name":', ',"event":')).toBe(stdout.text())
  })
})
