import { expect, test } from 'vitest'

/**
 * A bench that cannot see a lost frame proves nothing by seeing none. The modules are plain JavaScript (they run without
 * a build), so their shapes are stated here.
 */
interface Template {
  readonly bytes: Buffer
  readonly holes: number[]
  readonly eventEnds: number[]
}
interface Check {
  push(buffer: Buffer, start: number, end: number): void
  readonly whole: boolean
  readonly events: number
}
interface Reader {
  feed(data: Buffer, length: number): void
  readonly status: number
}

const load = async <T>(path: string): Promise<T> => (await import(new URL(path, import.meta.url).href)) as T // see above

const { template, burstResponse, jsonResponse, jsonBody, pacedChunks, streamHead, lastChunk } = await load<{
  template(answer: string, events?: number): Template
  burstResponse: Buffer
  jsonResponse: Buffer
  jsonBody: Buffer
  pacedChunks(count: number): [string, string][]
  streamHead: string
  lastChunk: string
}>('./lib/answers.mjs')
const { TemplateCheck } = await load<{ TemplateCheck: new (t: Template, onStamp: (us: number) => void) => Check }>(
  './lib/template-check.mjs',
)
const { ResponseReader } = await load<{
  ResponseReader: new (sink: { body(b: Buffer, s: number, e: number): void; done(): void }) => Reader
}>('./lib/response-reader.mjs')
const { Histogram } = await load<{
  Histogram: new () => { record(us: number): void; quantile(q: number): number; summary(): object | null }
}>('./lib/histogram.mjs')
const { requestBody, bodyKinds } = await load<{
  requestBody(kind: string, stream: boolean): Buffer
  bodyKinds: Record<string, { bytes: number }>
}>('./lib/bodies.mjs')

const stamps: number[] = []
const pacedResponse = Buffer.from(
  `${streamHead}${pacedChunks(105)
    .map(([before, after], index) => `${before}${String(7_000_000 + index).padStart(16, '0')}${after}`)
    .join('')}${lastChunk}`,
)

/** Reads a response as it comes in these pieces. */
function read(answer: string, pieces: Buffer[]): { check: Check; responses: number } {
  stamps.length = 0
  const check = new TemplateCheck(template(answer), (us) => stamps.push(us))
  let responses = 0
  const reader = new ResponseReader({
    body: (buffer, start, end) => check.push(buffer, start, end),
    done: () => {
      responses += 1
    },
  })
  for (const piece of pieces) reader.feed(piece, piece.length)
  return { check, responses }
}

test.each([
  ['json', jsonResponse, 0],
  ['burst', burstResponse, 105],
  ['paced', pacedResponse, 105],
] as const)('a %s answer is whole wherever it is cut in two', (answer, response, events) => {
  for (let at = 1; at < response.length; at += 1) {
    const { check, responses } = read(answer, [response.subarray(0, at), response.subarray(at)])
    if (!check.whole || responses !== 1 || check.events !== events) expect.fail(`cut at byte ${at}`)
  }
})

test('a paced stream tells the stamp of every event', () => {
  read('paced', [pacedResponse])
  expect(stamps).toEqual(Array.from({ length: 105 }, (_, index) => 7_000_000 + index))
})

test('a wrong byte spoils its event and all after it, also where the events came joined in one piece', () => {
  const whole = template('burst')
  for (const [index, end] of whole.eventEnds.entries()) {
    const spoiled = Buffer.from(whole.bytes)
    spoiled[end - 3] = (spoiled[end - 3] ?? 0) ^ 1
    const check = new TemplateCheck(whole, () => undefined)
    check.push(spoiled, 0, spoiled.length)
    expect(check.whole).toBe(false)
    expect(check.events).toBe(index)
  }
})

test('an event left out, said twice or added at the end is seen', () => {
  const { bytes, eventEnds } = template('burst')
  const [first = 0, second = 0] = [eventEnds[49], eventEnds[50]]
  const judge = (body: Buffer): Check => {
    const check = new TemplateCheck(template('burst'), () => undefined)
    check.push(body, 0, body.length)
    return check
  }
  const leftOut = judge(Buffer.concat([bytes.subarray(0, first), bytes.subarray(second)]))
  expect([leftOut.whole, leftOut.events]).toEqual([false, 50])
  const twice = judge(Buffer.concat([bytes.subarray(0, second), bytes.subarray(first)]))
  expect([twice.whole, twice.events]).toEqual([false, 51])
  expect(judge(Buffer.concat([bytes, Buffer.from(': ping\n\n')])).whole).toBe(false)
  const short = judge(bytes.subarray(0, bytes.length - 1))
  expect([short.whole, short.events]).toEqual([false, 104])
})

test('two answers in one piece are two answers', () => {
  let bodies = 0
  const reader = new ResponseReader({
    body: (_buffer, start, end) => {
      bodies += end - start
    },
    done: () => undefined,
  })
  const both = Buffer.concat([jsonResponse, jsonResponse])
  reader.feed(both, both.length)
  expect(bodies).toBe(2 * jsonBody.length)
})

test('quantiles are within one per cent of the truth', () => {
  const histogram = new Histogram()
  for (let us = 1; us <= 100_000; us += 1) histogram.record(us)
  for (const q of [0.01, 0.5, 0.9, 0.99]) expect(Math.abs(histogram.quantile(q) / (q * 100_000) - 1)).toBeLessThan(0.01)
  expect(new Histogram().summary()).toBeNull()
})

test.each(['1k', '200k', '1m'])(
  'a request body of %s is valid JSON of exactly that size, model first and stream last',
  (kind) => {
    for (const stream of [true, false]) {
      const body = requestBody(kind, stream)
      expect(body.length).toBe(bodyKinds[kind]?.bytes)
      const keys = Object.keys(JSON.parse(body.toString()) as object)
      expect([keys[0], keys.at(-1)]).toEqual(['model', 'stream'])
    }
  },
)
