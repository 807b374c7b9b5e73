import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkGrammar, readEvents } from '../../test/support/messages-stream.ts'
import { type SimulatedUpstream, startSimulatedUpstream } from '../../test/support/simulated-upstream.ts'
import { callsTo, chat, minimal, text } from '../../test/support/simulator-calls.ts'
import { until } from '../../test/support/until.ts'

let upstream: SimulatedUpstream
beforeEach(async () => {
  upstream = await startSimulatedUpstream()
})
afterEach(() => upstream.stop())

const { post, raw } = callsTo(() => upstream.url)

describe('broken streams', () => {
  test('an error event ends the stream', async () => {
    const events = readEvents(await text(post(chat, 'error=overloaded_error;after-events=4')))
    expect(events.map((event) => event.name).slice(-2)).toEqual(['content_block_delta', 'error'])
    expect(events).toHaveLength(5)
    expect(events[4]?.data.error.type).toBe('overloaded_error')
  })

  test('a cut arrives after exactly the asked events or bytes', async () => {
    const byEvents = await raw(chat, 'cut;after-events=3')
    expect(byEvents.bytes.toString().match(/^event: /gm)).toHaveLength(3)
    expect(byEvents.bytes.toString().endsWith('0\r\n\r\n')).toBe(false)
    await raw(chat, 'cut;after-bytes=100;encoding=gzip')
    expect(upstream.served().map((call) => call.ended)).toEqual(['cut', 'cut'])
    expect(upstream.served()[1]?.responseBytes).toBe(100)
  })

  test('a cut without a position comes before the first byte, a reset is a reset', async () => {
    expect((await raw(chat, 'cut')).bytes.length).toBe(0)
    expect((await raw(chat, 'reset;after-events=2')).error).toBe('ECONNRESET')
  })

  test('an early end is a proper end of the body without message_stop', async () => {
    const events = readEvents(await text(post(chat, 'end;after-events=5')))
    expect(events).toHaveLength(5)
    expect(events.map((event) => event.name)).not.toContain('message_stop')
  })

  test('a stalled stream stays open until the caller leaves', async () => {
    const abort = new AbortController()
    const response = await fetch(`${upstream.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-simulate': 'stall;after-events=3' },
      body: JSON.stringify(chat),
      signal: abort.signal,
    })
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(first?.done).toBe(false)
    expect(upstream.served()).toHaveLength(0)
    abort.abort()
    await until('the provider served the call', () => upstream.served().length === 1)
    expect(upstream.served()[0]?.ended).toBe('silence')
  })

  test('a caller who leaves stops a paced answer', async () => {
    const abort = new AbortController()
    const response = await fetch(`${upstream.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-simulate': 'tps=20;output-tokens=400' },
      body: JSON.stringify(chat),
      signal: abort.signal,
    })
    await response.body?.getReader().read()
    abort.abort()
    await until('the provider served the call', () => upstream.served().length === 1)
    expect(upstream.served()[0]?.ended).toBe('client-gone')
  })
})

describe('wire forms', () => {
  const plain = () => text(post(chat, 'seed=wire'))

  test('gzip, pieces and CRLF carry the same events', async () => {
    const expected = readEvents(await plain())
    for (const form of ['encoding=gzip', 'chunk=3', 'crlf', 'comments', 'unterminated', 'padding']) {
      const events = readEvents(await text(post(chat, `seed=wire;${form}`)))
      expect(events, form).toEqual(expected)
    }
    const { bytes } = await raw({ ...minimal, max_tokens: 100 }, 'seed=wire;encoding=gzip')
    const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
    expect(bytes.toString('latin1')).toContain('content-encoding: gzip')
    const size = Number.parseInt(body.toString('latin1'), 16)
    expect(
      gunzipSync(body.subarray(body.indexOf('\r\n') + 2).subarray(0, size), { finishFlush: 2 }).toString(),
    ).toContain('{"model"')
  })

  test('frames have the forms that parsers must bear', async () => {
    expect(await text(post(chat, 'crlf'))).toMatch(/^event: message_start\r\ndata: /)
    expect(await text(post(chat, 'comments'))).toContain(': still here\n\n')
    expect(await text(post(chat, 'unterminated'))).not.toMatch(/\n\n$/)
    const unknown = readEvents(await text(post(chat, 'unknown-events=2;unknown-block;pings=3')))
    checkGrammar(unknown)
    expect(unknown.map((event) => event.name)).toContain('future_event')
    expect(unknown.find((event) => event.name === 'content_block_start')?.data.content_block.type).toBe('future_block')
  })

  test('big deltas and big answers arrive whole', async () => {
    const huge = readEvents(await text(post({ ...chat, max_tokens: 2_000_000 }, 'huge=3000000')))
    const delta = huge.find((event) => event.name === 'content_block_delta')
    expect(delta?.data.delta.text).toHaveLength(3_000_000)
    const big = readEvents(await text(post({ ...chat, max_tokens: 60_000 }, 'output-tokens=50000')))
    checkGrammar(big)
    expect(big.length).toBeGreaterThan(10_000)
  })

  test('a slow reader holds the writer back', async () => {
    const payload = JSON.stringify({ ...chat, max_tokens: 10_000_000 })
    const socket = connect(Number(new URL(upstream.url).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-simulate: output-tokens=200000\r\ncontent-length: ${payload.length}\r\n\r\n${payload}`,
    )
    // A later call of the same size comes through in the meantime.
    await text(post({ ...chat, max_tokens: 10_000_000 }, 'output-tokens=200000'))
    expect(upstream.served().map((call) => call.ended)).toEqual(['complete'])
    socket.destroy()
    await until('the provider served the call', () => upstream.served().length === 2)
    expect(upstream.served()[1]?.ended).toBe('client-gone')
  })
})
