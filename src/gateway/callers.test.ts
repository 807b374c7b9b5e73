import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import {
  type Answer,
  gatewayTo,
  jsonOf,
  message,
  post,
  requestBody,
  upstreamOf,
} from '../../test/support/small-gateway.ts'

describe('who may call', () => {
  const key = { id: 'k_1', hash: '', domain: 'web', name: '', expiresAt: null, revokedAt: null, clear: 'sbx_right' }
  const seen: Record<string, string | undefined>[] = []
  const echo: Answer = (request, response) => {
    seen.push({ apiKey: request.headers['x-api-key'] as string | undefined, bearer: request.headers.authorization })
    response.end(JSON.stringify(message))
  }

  test.each([
    [{ 'x-api-key': 'sbx_right' }],
    [{ authorization: 'Bearer sbx_right' }],
    [{ 'x-signalbox-key': 'sbx_right', 'x-api-key': 'sk-ant-api-caller' }],
  ])('a gateway key is taken from %o and replaced by the key that the gateway owns', async (headers) => {
    const { url, closed } = await gatewayTo(await upstreamOf(echo), { keys: [key], apiKey: 'sk-ant-own' })
    expect((await post(url, requestBody, headers)).status).toBe(200)
    expect(seen.at(-1)).toEqual({ apiKey: 'sk-ant-own', bearer: undefined })
    expect(await closed()).toMatchObject({ keyId: 'k_1', domain: 'web', account: 'anthropic' })
  })

  test("passes the caller's own credential through beside a gateway key", async () => {
    const { url, closed } = await gatewayTo(await upstreamOf(echo), { keys: [key] })
    await post(url, requestBody, { authorization: 'Bearer sbx_right', 'x-api-key': 'sk-ant-api-caller' })
    expect(seen.at(-1)).toEqual({ apiKey: 'sk-ant-api-caller', bearer: undefined })
    expect((await closed()).account).toBe('caller-abc')
  })

  test.each([
    [{}, 401],
    [{ 'x-api-key': 'sbx_wrong' }, 401],
    [{ 'x-api-key': 'sbx_old' }, 403],
    [{ 'x-api-key': 'sbx_revoked' }, 403],
  ])('refuses %o with %i once keys exist, recorded', async (headers, status) => {
    const keys = [
      key,
      { ...key, id: 'k_2', clear: 'sbx_old', expiresAt: 1 },
      { ...key, id: 'k_3', clear: 'sbx_revoked', revokedAt: 1 },
    ]
    const { url, closed } = await gatewayTo('http://127.0.0.1:1', { keys })
    expect((await post(url, requestBody, headers)).status).toBe(status)
    expect((await closed()).statusCode).toBe(status)
  })

  test('a claude.ai login leaves to nowhere but Anthropic itself', async () => {
    const before = seen.length
    const { url, closed } = await gatewayTo(await upstreamOf(echo))
    const response = await post(url, requestBody, { authorization: 'Bearer sk-ant-oat01-secret' })
    expect(response.status).toBe(403)
    expect(await response.text()).not.toContain('secret')
    expect(seen.length).toBe(before)
    expect((await closed()).errorType).toBe('caller_forbidden')
  })

  test('a call that comes back to the gateway is refused', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1', { instanceId: 'gw-loop' })
    expect((await post(url, requestBody, { 'x-signalbox-hop': 'gw-loop' })).status).toBe(508)
  })
})

describe('other paths', () => {
  test('start-up probes are answered without a key', async () => {
    const { url, events } = await gatewayTo('http://127.0.0.1:1', {
      keys: [{ id: 'k', hash: '', domain: 'd', name: '', expiresAt: null, revokedAt: null, clear: 'sbx_x' }],
    })
    for (const path of ['/', '/api/hello']) expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${url}/api/event_logging/batch`, { method: 'POST', body: '{}' })).status).toBe(200)
    expect(events).toEqual([])
  })

  test('an unknown path is a 404 and a wrong method a 405, in the error shape', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1')
    expect((await jsonOf(await fetch(`${url}/nothing`))).error.type).toBe('not_found_error')
    expect((await fetch(`${url}/v1/messages`)).status).toBe(405)
  })

  test('a model list passes through with its query', async () => {
    const upstream = await upstreamOf((request, response) => response.end(`{"data":[],"url":"${request.url}"}`))
    const { url, closed } = await gatewayTo(upstream)
    expect((await jsonOf(await fetch(`${url}/v1/models?limit=1000`))).url).toBe('/v1/models?limit=1000')
    expect(await closed()).toMatchObject({ endpoint: 'models', outcome: 'ok', usageSource: 'none' })
  })
})

test.each([
  '/v1/../admin',
  '/v1/files/../../admin',
  '/v1/%2e%2e/admin',
  '/v1/.%2E/admin',
  '/v1/x%2f..%2fadmin',
  '/v1/models/..',
  '/v1/./files',
])('the path %s leads nowhere but to a 400, recorded', async (path) => {
  const seen: string[] = []
  const upstream = await upstreamOf((request, response) => {
    seen.push(request.url ?? '')
    response.end('{}')
  })
  const { port, closed } = await gatewayTo(upstream)
  const status = await new Promise((resolve, reject) => {
    // Not fetch, which would walk the dots itself.
    const call = request({ host: '127.0.0.1', port, path }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    call.on('error', reject).end()
  })
  expect(status).toBe(400)
  expect(await closed()).toMatchObject({ statusCode: 400, errorType: 'caller_invalid_request' })
  expect(seen).toEqual([])
})
