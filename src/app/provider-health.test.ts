import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { closedExchange } from '../../test/support/exchanges.ts'
import { configSchema } from '../config/schema.ts'
import { providers as endpoint } from '../contract/providers.ts'
import type { PlaceState } from '../core/provider-health.ts'
import { checkConfigured } from './check-providers.ts'
import { createProviderHealth } from './provider-health.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A provider that answers checks with a status, and notes what it was asked. */
async function startAnswering(status: number) {
  const asked: { url: string; headers: Record<string, unknown> }[] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"data":[]}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const configOf = (providers: object) => configSchema.parse({ providers })
const checkOne = async (name: string, section: object) =>
  (await checkConfigured(configOf({ [name]: section }), name)).checks[0]

describe('a check', () => {
  test.each([
    ['openai', '/v1', '/v1/models', 'authorization', 'Bearer k-1'],
    ['groq', '/openai/v1', '/openai/v1/models', 'authorization', 'Bearer k-1'],
    ['gemini', '/v1beta', '/v1beta/models?pageSize=1', 'x-goog-api-key', 'k-1'],
    ['mistral', '/v1', '/v1/models', 'authorization', 'Bearer k-1'],
    ['xai', '/v1', '/v1/models', 'authorization', 'Bearer k-1'],
    ['ollama', '', '/api/version', 'authorization', 'Bearer k-1'],
    ['deepseek', '', '/models', 'authorization', 'Bearer k-1'],
    ['openrouter', '/api/v1', '/api/v1/key', 'authorization', 'Bearer k-1'],
    ['anthropic', '', '/v1/models?limit=1', 'x-api-key', 'k-1'],
  ])('of %s asks what costs no tokens, with the key in a header', async (name, base, url, header, value) => {
    const provider = await startAnswering(200)
    expect(await checkOne(name, { baseUrl: provider.url + base, apiKey: 'k-1' })).toMatchObject({
      status: 'ok',
      advice: '',
    })
    expect(provider.asked).toMatchObject([{ url, headers: { [header]: value } }])
  })

  test.each([
    [401, 'key_refused', 'check providers.groq.apiKey (GROQ_API_KEY)'],
    [402, 'no_credit', 'top it up'],
    [404, 'wrong_address', 'check providers.groq.baseUrl'],
    [429, 'rate_limited', 'wait'],
    [503, 'failing', 'status 503'],
  ])('of status %i says what is wrong and what to do', async (status, verdict, advice) => {
    const { url } = await startAnswering(status)
    const check = await checkOne('groq', { baseUrl: `${url}/openai/v1`, apiKey: 'k-secret' })
    expect(check).toMatchObject({ status: verdict, httpStatus: status })
    expect(check?.advice).toContain(advice)
    expect(check?.advice).not.toContain('k-secret')
  })

  test('of a server that is not there says so', async () => {
    const check = await checkOne('ollama', { baseUrl: 'http://127.0.0.1:9' })
    expect(check).toMatchObject({ status: 'unreachable', httpStatus: null })
    expect(check?.advice).toContain('ollama serve')
  })

  test('of Anthropic without a key of the gateway’s own shows that it is there', async () => {
    const { url, asked } = await startAnswering(401)
    expect(await checkOne('anthropic', { baseUrl: url })).toMatchObject({ status: 'ok' })
    expect(asked[0]?.headers).not.toHaveProperty('x-api-key')
  })

  test('never sends a claude.ai login anywhere', async () => {
    const { url, asked } = await startAnswering(200)
    expect(await checkOne('anthropic', { baseUrl: url, apiKey: 'sk-ant-oat01-x' })).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('of all asks those that were set up: nobody misses an Ollama that nobody thought of', async () => {
    const { url } = await startAnswering(200)
    const { checks } = await checkConfigured(configOf({ groq: { apiKey: 'k', baseUrl: url }, default: 'groq' }), null)
    expect(checks.map(({ provider }) => provider)).toEqual(['groq'])
  })

  test('names what those lack that are not offered', async () => {
    const { notOffered, checks } = await checkConfigured(configOf({}), 'groq')
    expect(notOffered).toEqual([{ name: 'groq', missing: 'providers.groq.apiKey' }])
    expect(checks).toEqual([])
  })
})

describe('the health of providers', () => {
  const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 }
  const healthOf = async (providers: object, places: readonly PlaceState[] = []) => {
    const health = createProviderHealth({
      config: configOf(providers),
      clock,
      simulatedUrl: null,
      places: async () => places,
    })
    closing.push(() => health.stop())
    return health
  }
  const groq = { groq: { apiKey: 'k' } }
  const call = (rest: object) =>
    ({
      ...closedExchange({}),
      provider: 'groq',
      model: 'llama',
      outcome: 'ok',
      upstreamStatus: 200,
      costUsd: 0,
      priceSource: 'none',
      ...rest,
    }) as never
  const failed = { outcome: 'provider_error', errorType: 'provider_overloaded', upstreamStatus: 529 }
  const reportOf = async (health: Awaited<ReturnType<typeof healthOf>>, name = 'groq') =>
    endpoint.response.parse(await health.source.report()).providers.find((one) => one.name === name)

  test('is unknown before anything was heard, and not offered where the key is missing', async () => {
    const health = await healthOf(groq)
    expect(await reportOf(health)).toMatchObject({ health: 'unknown', offered: true, check: null, targets: [] })
    expect(await reportOf(health, 'xai')).toMatchObject({ health: 'not_offered', missing: 'providers.xai.apiKey' })
  })

  test('shows what real traffic shows; callers’ mistakes say nothing', async () => {
    const health = await healthOf(groq)
    for (const rest of [{}, {}, {}, failed]) health.observer.exchangeClosed(call(rest))
    health.observer.exchangeClosed(call({ outcome: 'caller_error', upstreamStatus: 400 }))
    health.observer.exchangeClosed(call({ outcome: 'cancelled' }))
    const report = await reportOf(health)
    expect(report).toMatchObject({ health: 'degraded' })
    expect(report?.targets).toMatchObject([
      { model: 'llama', calls: 4, failures: 1, success_rate: 0.75, last_error: { type: 'provider_overloaded' } },
    ])
  })

  test('is down while every breaker is open; the worst of the workers counts', async () => {
    const place = { provider: 'groq', model: 'llama', resting: false, inUse: 1 }
    const health = await healthOf(groq, [
      { ...place, breaker: 'open' },
      { ...place, breaker: 'closed' },
    ])
    const report = await reportOf(health)
    expect(report).toMatchObject({ health: 'down', targets: [{ model: 'llama', breaker: 'open', in_flight: 2 }] })
  })

  test('a check asks now, and is remembered', async () => {
    const { url } = await startAnswering(401)
    const health = await healthOf({
      groq: { apiKey: 'k', baseUrl: `${url}/v1` },
      ollama: { baseUrl: url },
      anthropic: { baseUrl: url },
    })
    await health.source.check()
    expect(await reportOf(health)).toMatchObject({ health: 'down', check: { status: 'key_refused', http_status: 401 } })
    expect(health.checks().map(({ provider }) => provider)).toContain('groq')
  })

  test('follows settings that change', async () => {
    const health = await healthOf(groq)
    health.replace(configOf({ xai: { apiKey: 'k' } }))
    expect(await reportOf(health, 'xai')).toMatchObject({ offered: true })
    expect(await reportOf(health)).toMatchObject({ offered: false })
  })

  test('remembers a bounded number of targets and calls', async () => {
    const health = await healthOf(groq)
    for (let made = 0; made < 500; made++) health.observer.exchangeClosed(call({ model: `invented-${made}` }))
    for (let made = 0; made < 300; made++) health.observer.exchangeClosed(call({ model: 'busy' }))
    const report = await reportOf(health)
    expect(report?.targets.length).toBeLessThanOrEqual(200)
    expect(report?.targets.find(({ model }) => model === 'busy')?.calls).toBe(100)
  })
})
