import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAnswerHead, requestHeadersForUpstream } from './headers.ts'

describe('a request on its way to an upstream', () => {
  test('keeps unknown headers, their case, order and repetitions', () => {
    const raw = ['X-New-Thing', '1', 'anthropic-beta', 'a', 'Anthropic-Beta', 'b', 'user-agent', 'claude-cli/2']
    expect(requestHeadersForUpstream(raw)).toEqual(raw)
  })

  test.each([
    'Connection',
    'keep-alive',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
    'Host',
    'Content-Length',
    'Expect',
    'Cookie',
    'Forwarded',
    'X-Forwarded-For',
    'Accept-Encoding',
    'Authorization',
    'X-Api-Key',
    'X-Signalbox-Key',
  ])('leaves %s out', (name) => {
    expect(requestHeadersForUpstream(['accept', '*/*', name, 'value'])).toEqual(['accept', '*/*'])
  })

  test('leaves out what the connection header names, wherever it stands', () => {
    const raw = ['X-Hop', '1', 'x-kept', '2', 'Connection', 'keep-alive, x-hop , X-Other', 'x-other', '3']
    expect(requestHeadersForUpstream(raw)).toEqual(['x-kept', '2'])
  })
})

describe('the head of an answer', () => {
  test('gives what the record needs and passes all end-to-end headers on', () => {
    const head = readAnswerHead([
      'Content-Type',
      'text/event-stream',
      'Content-Encoding',
      'GZIP',
      'Request-Id',
      'req_1',
      'Connection',
      'close',
      'Transfer-Encoding',
      'chunked',
      'Retry-After',
      '7',
      'Anthropic-RateLimit-Unified-5h-Utilization',
      '0.4',
      'x-new',
      '1',
    ])
    expect(head).toEqual({
      headers: [
        'Content-Type',
        'text/event-stream',
        'Content-Encoding',
        'GZIP',
        'Request-Id',
        'req_1',
        'Retry-After',
        '7',
        'Anthropic-RateLimit-Unified-5h-Utilization',
        '0.4',
        'x-new',
        '1',
      ],
      contentType: 'text/event-stream',
      contentEncoding: 'gzip',
      requestId: 'req_1',
      rateLimits: { 'retry-after': '7', 'anthropic-ratelimit-unified-5h-utilization': '0.4' },
    })
  })

  test('keeps a bounded number of limits, each of bounded length', () => {
    const raw = Array.from({ length: 200 }, (_, n) => [`anthropic-ratelimit-${n}`, 'x'.repeat(500)]).flat()
    const { rateLimits, headers } = readAnswerHead(raw)
    expect(Object.keys(rateLimits ?? {})).toHaveLength(64)
    expect(rateLimits?.['anthropic-ratelimit-0']).toHaveLength(200)
    expect(headers).toEqual(raw)
  })

  test('never passes a hop-by-hop header, and passes everything else', () => {
    const name = fc.constantFrom('connection', 'Keep-Alive', 'x-a', 'X-B', 'upgrade', 'date', 'set-cookie', 'TE')
    const value = fc.constantFrom('x-a', 'close', 'v', 'x-b, keep-alive')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const declared = pairs
          .filter(([is]) => is === 'connection')
          .flatMap(([, listed]) => listed.split(',').map((each) => each.trim()))
        const kept = pairs.filter(([is]) => {
          const lower = is.toLowerCase()
          return !['connection', 'keep-alive', 'upgrade', 'te', ...declared].includes(lower)
        })
        expect(readAnswerHead(pairs.flat()).headers).toEqual(kept.flat())
      }),
    )
  })
})
