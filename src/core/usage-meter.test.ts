import { expect, test } from 'vitest'
import { UsageMeter } from './usage-meter.ts'

const delta = Buffer.from('{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word"}}')

/** A stream whose pieces came at these times; a time that stands twice is a piece of two events. */
function interTokenOf(...times: readonly number[]) {
  const meter = new UsageMeter()
  for (const at of times) meter.event('content_block_delta', delta, at)
  return meter.result().interTokenMs
}

test('the time between pieces is known by its mean and its longest', () => {
  expect(interTokenOf(1000, 1010, 1050, 1060)).toEqual({ mean: 20, max: 40 })
})

test('events of one piece have no distance between them', () => {
  expect(interTokenOf(1000, 1000, 1010, 1010, 1010, 1030)).toEqual({ mean: 15, max: 20 })
})

test('one piece alone has none', () => {
  expect(interTokenOf()).toBeUndefined()
  expect(interTokenOf(5)).toBeUndefined()
  expect(interTokenOf(5, 5)).toBeUndefined()
})
