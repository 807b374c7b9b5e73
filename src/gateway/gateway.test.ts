import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  frame,
  gatewayTo,
  jsonOf,
  message,
  post,
  requestBody,
  streamFrames,
  upstreamOf,
} from '../../test/support/small-gateway.ts'

describe('the native path', () => {
  test('passes the request on to the byte, with query string and end-to-end headers', async () => {
    const seen: { url?: string | undefined; raw: string[]; body: string }[] = []
    const upstream = await upstreamOf((request, response, body) => {
      seen.push({ url: request.url, raw: request.rawHeaders, body: body.toString() })
      response.end(JSON.stringify(message))
    })
    const { url } = await gatewayTo(upstream)
    await post(url, requestBody, {
      'anthropic-beta': 'b-2, a-1,  b-2',
      'x-api-key': 'sk-ant-api-1',
      'x-custom': 'ö'.normalize('NFC') === 'ö' ? 'kept' : '',
      'x-forwarded-for': '10.0.0.1',
      cookie: 'a=b',
      'x-signalbox-session': 's',
    })
    expect(seen[0]?.url).toBe('/v1/messages?beta=true')
    expect(seen[0]?.body).toBe(requestBody)
    const header = (name: string): string | undefined =>
      seen[0]?.raw[seen[0].raw.findIndex((one, at) => at % 2 === 0 && one.toLowerCase() === name) + 1]
    expect(header('anthropic-beta')).toBe('b-2, a-1,  b-2')
    expect(header('x-custom')).toBe('kept')
    expect(header('x-api-key')).toBe('sk-ant-api-1')
    for (const gone of ['cookie', 'x-forwarded-for', 'x-signalbox-session', 'authorization'])
      expect(seen[0]?.raw.map((one) => one.toLowerCase())).not.toContain(gone)
  })

  test('passes status, body and end-to-end headers of the answer back unchanged and names the exchange', async () => {
    const text = `{"type":"error", "error":{"type":"rate_limit_error","message":"slow"} }`
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(429, [
        'Request-Id',
        'req_9',
        'Retry-After',
        '7999',
        'X-Odd',
        'one',
        'X-Odd',
        'two',
        'anthropic-ratelimit-unified-status',
        'rejected',
        'content-type',
        'application/json',
      ])
      response.end(text)
    })
    const { url, closed } = await gatewayTo(upstream)
    const response = await post(url, requestBody)
    expect([response.status, await response.text()]).toEqual([429, text])
    expect(response.headers.get('retry-after')).toBe('7999')
    expect(response.headers.get('x-odd')).toBe('one, two')
    expect(response.headers.get('request-id')).toBe('req_9')
    const record = await closed()
    expect(response.headers.get('x-signalbox-request-id')).toBe(record.id)
    expect(record).toMatchObject({
      statusCode: 429,
      outcome: 'provider_error',
      errorType: 'provider_quota_exhausted',
      upstreamRequestId: 'req_9',
      usageSource: 'none',
    })
    expect(record.rateLimitHeaders).toMatchObject({
      'retry-after': '7999',
      'anthropic-ratelimit-unified-status': 'rejected',
    })
  })

  test('records usage of an answer that is no stream from its body', async () => {
    const upstream = await upstreamOf((_request, response) => response.end(JSON.stringify(message)))
    const { url, closed, events } = await gatewayTo(upstream)
    await (
      await post(url, requestBody, {
        'x-claude-code-session-id': 's-1',
        'x-claude-code-agent-id': 'ab12',
        host: 'Web.Example:3000',
      })
    ).text()
    expect(await closed()).toMatchObject({
      statusCode: 200,
      outcome: 'ok',
      model: 'claude-x',
      requestedModel: 'claude-x',
      stopReason: 'end_turn',
      sessionId: 's-1',
      agentId: 'ab12',
      usageSource: 'reported',
      usage: { input: 7, output: 5, cacheRead: 3, cacheWrite5m: 1, cacheWrite1h: 3, reasoning: null },
    })
    expect(events.map((event) => event.kind)).toEqual(['opened', 'closed'])
  })

  test('passes a stream on to the byte and takes the final counts from it', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      for (const one of streamFrames) response.write(one)
      response.end()
    })
    const { url, closed } = await gatewayTo(upstream)
    const response = await post(url, requestBody.replace('false', 'true'))
    expect(await response.text()).toBe(streamFrames.join(''))
    const record = await closed()
    expect(record).toMatchObject({
      streaming: true,
      outcome: 'ok',
      stopReason: 'end_turn',
      usage: { input: 7, output: 42, cacheWrite5m: 1, cacheWrite1h: 3 },
    })
    expect(record.ttftMs).toBeGreaterThan(0)
  })

  test('a compressed answer passes compressed and is metered all the same', async () => {
    const packed = gzipSync(streamFrames.join(''))
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(packed)
    })
    const { url, closed } = await gatewayTo(upstream)
    expect(await (await post(url, requestBody)).text()).toBe(streamFrames.join(''))
    expect(await closed()).toMatchObject({ outcome: 'ok', usage: { output: 42 } })
  })
})

describe('how a call can fail', () => {
  test('a 200 whose stream ends without message_stop is a failure, with what was streamed as a floor', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(streamFrames.slice(0, 3).join(''))
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    const record = await closed()
    expect(record).toMatchObject({
      statusCode: 502,
      outcome: 'provider_error',
      errorType: 'provider_stream_cut',
      usageSource: 'partial',
      failedAfterFirstByte: true,
    })
    expect(record.usage.output).toBeGreaterThan(40)
  })

  test('an error event in a 200 stream decides the outcome', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(
        streamFrames.slice(0, 2).join('') +
          frame('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
      )
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    expect(await closed()).toMatchObject({
      statusCode: 529,
      errorType: 'provider_overloaded',
      errorMessage: 'overloaded_error: Overloaded',
    })
  })

  test('an error event that may quote the prompt is recorded without its words', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(frame('error', { error: { type: 'invalid_request_error', message: 'refused: my secret plan' } }))
    })
    const { url, closed } = await gatewayTo(upstream)
    await (await post(url, requestBody)).text()
    expect(await closed()).toMatchObject({
      errorType: 'provider_stream_error',
      errorMessage: 'invalid_request_error',
    })
  })

  test('a stream that breaks between two events ends with an error event', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(streamFrames[0], () => setImmediate(() => response.destroy()))
    })
    const { url, closed } = await gatewayTo(upstream)
    const text = await (await post(url, requestBody)).text()
    expect(text.startsWith(streamFrames[0] ?? '?')).toBe(true)
    expect(text).toContain('event: error\ndata: {"type":"error"')
    expect(await closed()).toMatchObject({ statusCode: 502, errorType: 'provider_stream_cut' })
  })

  test('a stream that breaks inside a frame is broken off, not glued together', async () => {
    const upstream = await upstreamOf((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`${streamFrames[0]}event: content_blo`, () => setImmediate(() => response.destroy()))
    })
    const { url } = await gatewayTo(upstream)
    await expect((await post(url, requestBody)).text()).rejects.toThrow()
  })

  test('a silent stream is given up, however short it was', async () => {
    const upstream = await upstreamOf(
      (_request, response) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamFrames[0]),
    )
    const { url, closed } = await gatewayTo(upstream, { settings: { idleTimeoutMs: 300 } })
    const text = await (await post(url, requestBody)).text()
    expect(text).toContain('timeout_error')
    expect(await closed()).toMatchObject({ statusCode: 504, errorType: 'provider_stream_stalled' })
  })

  test('a caller who leaves aborts the upstream call, and what was seen is recorded', async () => {
    let aborted: () => void = () => {}
    const gone = new Promise<void>((resolve) => {
      aborted = resolve
    })
    const upstream = await upstreamOf((_request, response) => {
      response.on('close', aborted)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamFrames[0])
    })
    const { url, closed, inFlight } = await gatewayTo(upstream)
    const leave = new AbortController()
    const response = await fetch(`${url}/v1/messages`, { method: 'POST', body: requestBody, signal: leave.signal })
    await response.body?.getReader().read()
    leave.abort()
    await gone
    expect(await closed()).toMatchObject({
      statusCode: 499,
      outcome: 'cancelled',
      errorType: 'caller_cancelled',
      usageSource: 'partial',
      usage: { input: 7 },
    })
    expect([inFlight.count, inFlight.openStreams]).toEqual([0, 0])
  })

  test('an upstream that nobody listens at is tried again, then reported as unreachable', async () => {
    const { url, closed } = await gatewayTo('http://127.0.0.1:1')
    const response = await post(url, requestBody)
    expect([response.status, (await jsonOf(response)).error.type]).toEqual([502, 'api_error'])
    expect(await closed()).toMatchObject({ attempts: 3, errorType: 'provider_unreachable' })
  })

  test.each([
    ['{', 400, 'caller_invalid_request'],
    ['[]', 400, 'caller_invalid_request'],
    ['{"model":5}', 400, 'caller_invalid_request'],
    ['{"model":"m","stream":"yes"}', 400, 'caller_invalid_request'],
    ['{"messages":[]}', 400, 'caller_invalid_request'],
    [`{"model":"m","pad":"${'x'.repeat(20_000)}"`, 400, 'caller_invalid_request'],
    [`{"model":"m","pad":"${'x'.repeat(80_000)}"}`, 413, 'caller_body_too_large'],
  ])('refuses a malformed or oversized body in the error shape, recorded (%#)', async (body, status, errorType) => {
    const { url, closed } = await gatewayTo('http://127.0.0.1:1', { settings: { maxBodyBytes: 60_000 } })
    const response = await post(url, body)
    const answer = await jsonOf(response)
    expect(response.status).toBe(status)
    expect(answer).toMatchObject({
      type: 'error',
      error: { type: expect.any(String), message: expect.any(String) },
      request_id: expect.any(String),
    })
    expect(response.headers.get('request-id')).toBe(answer.request_id)
    expect(await closed()).toMatchObject({ statusCode: status, errorType, id: answer.request_id })
  })

  test('a body that stops coming is refused', async () => {
    const { port, closed } = await gatewayTo('http://127.0.0.1:1', { settings: { bodyIdleMs: 200 } })
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{')
    const text = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    expect(text).toMatch(/^HTTP\/1.1 408 /)
    expect(await closed()).toMatchObject({ statusCode: 408, errorType: 'caller_invalid_request' })
  })

  test('sheds calls that it could not record', async () => {
    const { url } = await gatewayTo('http://127.0.0.1:1', { full: () => true })
    const response = await post(url, requestBody)
    expect([response.status, response.headers.get('retry-after')]).toEqual([529, '5'])
  })
})
