import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DirectiveError, readDirectives, withoutDirectives } from './directives.ts'
import { renderSimulatorDoc } from './directives-doc.ts'

const places = { model: 'claude-sonnet-5', text: 'hello', header: undefined }

test('a call without directives has none', () => {
  expect(readDirectives(places)).toEqual({})
})

test('flags, numbers and texts are read from a header', () => {
  expect(readDirectives({ ...places, header: 'error=overloaded_error; after-events=3;crlf;retry-after=7' })).toEqual({
    error: 'overloaded_error',
    'after-events': 3,
    crlf: true,
    'retry-after': '7',
  })
})

test('the header wins over the text, the text over the model name', () => {
  const directives = readDirectives({
    model: 'claude[[simulate ttft=1;tps=1;chunk=1]]',
    text: 'hello [[simulate ttft=2;tps=2]]',
    header: 'ttft=3',
  })
  expect(directives).toEqual({ ttft: 3, tps: 2, chunk: 1 })
})

test('values are percent-decoded, and a lone percent sign stays', () => {
  const read = readDirectives({ ...places, header: 'text=a%3Bb%5D%20100%25;message=100%' })
  expect(read).toEqual({ text: 'a;b] 100%', message: '100%' })
})

test.each(['nonsense', 'after-events=soon', 'after-events=-1', 'after-events', 'cut=3', 'error', 'after-events='])(
  'refuses %s, so that a typing error can not pass for a test',
  (header) => {
    expect(() => readDirectives({ ...places, header })).toThrow(DirectiveError)
  },
)

test('embedded directives are taken out of what is shown', () => {
  expect(withoutDirectives('claude-sonnet-5[[simulate cut;after-events=2]]')).toBe('claude-sonnet-5')
})

test('docs/simulator.md is made from the table', () => {
  const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8')
  expect(page).toBe(renderSimulatorDoc())
})
