import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dropPackedThinking } from './drop-packed-thinking.ts'

const ours = 'sbx1.openai.eyJ9'
const dropped = (text: string): string => dropPackedThinking(Buffer.from(text)).toString()

test('takes out blocks of other providers and not one other byte', () => {
  const before = `{ "n" : 1.50e2, "messages" :[ {"role":"user","content":"é \\"sbx1.\\""} ,{"role":"assistant", "content": [`
  const block = `{"type":"thinking", "thinking":"a]}", "signature":"${ours}"}`
  const after = ` {"type":"text","text":"hi \\u00e9"} ]}], "model":"x" }`
  expect(dropped(`${before}${block} ,${after}`)).toBe(`${before}${after.trimStart()}`)
})

test.each([
  ['first', `[${'T'},A,B]`, '[A,B]'],
  ['in the middle', `[A, ${'T'} ,B]`, '[A, B]'],
  ['last', `[A , B ,  ${'T'} ]`, '[A , B ]'],
  ['several at the end', `[A,${'T'},${'T'}]`, '[A]'],
  ['in turns', `[${'T'},A,${'T'},${'T'},B,${'T'}]`, '[A,B]'],
])('wherever it stands: %s', (_, list, wanted) => {
  const names: Record<string, string> = {
    A: '{"type":"text","text":"a"}',
    B: '{"type":"tool_use","id":"t","name":"n","input":{"signature":"sbx1.x"}}',
    T: `{"type":"thinking","thinking":"t","signature":"${ours}"}`,
  }
  const body = (content: string): string =>
    `{"messages":[{"role":"assistant","content":${content.replaceAll(/[ABT]/g, (name) => names[name] ?? '')}}]}`
  expect(dropped(body(list))).toBe(body(wanted))
})

test('a message that held nothing else goes as a whole', () => {
  const empty = `{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"${ours}"}]}`
  const user = '{"role":"user","content":"x"}'
  expect(dropped(`{"messages":[${user},${empty},${user}]}`)).toBe(`{"messages":[${user},${user}]}`)
  expect(dropped(`{"messages":[${user},${empty}]}`)).toBe(`{"messages":[${user}]}`)
})

test.each([
  '{"messages":[{"role":"user","content":""sbx1.x"}]}',
  '{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":""sbx1."","signature":"EqQB"}]}]}',
  '{"messages":[{"role":"user","content":[{"type":"text","signature":"sbx1.x"}]}]}',
  '{"messages":"sbx1."}',
  '{"signature":"sbx1.a"}',
  '{"messages":[{"content":[{"type":"thinking","signature":"sbx1.',
  'not JSON "sbx1.',
])('%s is the very same body', (text) => {
  const body = Buffer.from(text)
  expect(dropPackedThinking(body)).toBe(body)
})

const words = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('"sbx1.', 'sbx1.', '\\', ']}', '","', 'x1.'))
const foreign = fc.record({
  type: fc.constant('thinking'),
  thinking: words,
  signature: words.map((word) => `sbx1.${word}`),
})
const kept = fc.oneof(
  fc.record({ type: fc.constant('text'), text: words }),
  fc.record({ type: fc.constant('thinking'), thinking: words, signature: words.map((word) => `Eq${word}`) }),
  fc.record({ type: fc.constant('tool_use'), id: words, input: fc.jsonValue() }),
  fc.record({
    type: fc.constant('tool_result'),
    content: fc.array(fc.record({ type: fc.constant('text'), text: words })),
  }),
)
const content = fc.oneof(words, fc.array(fc.oneof(kept, foreign), { maxLength: 5 }))
const message = fc.record({ role: fc.constantFrom('user', 'assistant'), content })
const isForeign = (block: object): boolean =>
  'signature' in block && typeof block.signature === 'string' && block.signature.startsWith('sbx1.')

test('what is left reads as the conversation without them, and is the text that it was', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.jsonValue(),
      fc.constantFrom(undefined, 1, 2),
      (messages, extra, indent) => {
        const text = JSON.stringify({ model: 'x', extra, messages, stream: true }, null, indent)
        const wanted = messages.flatMap((one) => {
          if (typeof one.content === 'string') return [one]
          const blocks = one.content.filter((block) => !isForeign(block))
          return blocks.length === 0 && one.content.length > 0 ? [] : [{ ...one, content: blocks }]
        })
        const out = dropped(text)
        expect(JSON.parse(out)).toEqual(
          JSON.parse(JSON.stringify({ model: 'x', extra, messages: wanted, stream: true })),
        )
        // Without indentation there is one way to write it, so the bytes are known.
        if (indent === undefined)
          expect(out).toBe(JSON.stringify({ model: 'x', extra, messages: wanted, stream: true }))
        if (JSON.stringify(wanted) === JSON.stringify(messages)) expect(out).toBe(text)
      },
    ),
    { numRuns: 500 },
  )
})

test('any bytes at all are no reason to fail', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(words, fc.constantFrom('{', '}', '[', ']', '"messages":', '"content":', ',')), {
        maxLength: 30,
      }),
      (parts) => {
        dropPackedThinking(Buffer.from(parts.join('')))
      },
    ),
  )
})
