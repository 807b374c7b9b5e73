import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventsOf, type ServerEvent } from './server-events.ts'

async function read(chunks: readonly Uint8Array[]): Promise<readonly ServerEvent[]> {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  const found: ServerEvent[] = []
  for await (const event of eventsOf(new Response(body))) found.push(event)
  return found
}

const stream = (end: string) =>
  [
    ': hello',
    '',
    'event: exchange',
    'id: 1',
    'data: {"a":"é"}',
    '',
    'data:one',
    'data: two',
    '',
    'retry: 5',
    '',
    '',
  ].join(end)
const expected = [
  { event: 'exchange', data: '{"a":"é"}' },
  { event: 'message', data: 'one\ntwo' },
]

test.each(['\n', '\r\n', '\r'])('reads events whatever ends their lines: %j', async (end) => {
  expect(await read([Buffer.from(stream(end))])).toEqual(expected)
})

test('reads the same events wherever the stream is cut', async () => {
  for (const end of ['\n', '\r\n']) {
    const bytes = Buffer.from(stream(end))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 6 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((stop, index) => bytes.subarray(at[index], stop))
        expect(await read(chunks)).toEqual(expected)
      }),
    )
  }
})

test('drops an event that is not complete, and refuses one without an end', async () => {
  expect(await read([Buffer.from('data: half')])).toEqual([])
  await expect(read(Array(20).fill(Buffer.alloc(100_000, 'x')))).rejects.toThrow(/has no end/)
})
