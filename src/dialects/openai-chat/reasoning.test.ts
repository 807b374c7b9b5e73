import { describe, expect, test } from 'vitest'
import {
  call,
  chunk,
  contextFor,
  type Delta,
  messageOf,
  piece,
  sent,
  types,
} from '../../../test/support/openai-chat.ts'
import { isPackedState } from '../shared/provider-state.ts'
import { type ChatQuirks, chatQuirks } from './index.ts'

const { openai, groq, mistral, xai, deepseek, openrouter, compatible } = chatQuirks

describe('Reasoning in `reasoning_content`, `reasoning`, `reasoning_details`, content parts `thinking`, `<think>` tags', () => {
  const detail = { type: 'reasoning.text', text: 'hm', index: 0 }
  test.each<[string, ChatQuirks, Delta]>([
    ['reasoning_content', deepseek, { reasoning_content: 'hm' }],
    ['reasoning', groq, { reasoning: 'hm' }],
    ['reasoning_details', openrouter, { reasoning_details: [detail] }],
    ['both of one text', openrouter, { reasoning: 'hm', reasoning_details: [detail] }],
    ['two fields of one text', compatible, { reasoning: 'hm', reasoning_content: 'hm' }],
    ['parts', mistral, { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }],
    ['tags', compatible, { content: '<think>hm</think>' }],
  ])('%s: one thinking block, signed for the next turn', (_name, quirks, delta) => {
    const seen = messageOf(quirks, [chunk(delta), chunk({ content: 'so' }, 'stop')])
    expect(types(seen)).toEqual(['thinking', 'text'])
    expect(seen.content[0]).toMatchObject({ thinking: 'hm' })
    expect(isPackedState(seen.content[0]?.signature)).toBe(true)
    expect(seen.content[1]).toMatchObject({ text: 'so' })
  })
  test('tags are found however they are cut, and text that only looks like one is kept', () => {
    const said = ' <think>a </b> c</think>\nso </think>'
    const cuts = Array.from(said, (_, at) => [said.slice(0, at), said.slice(at)])
    for (const cut of [...cuts, Array.from(said)]) {
      const seen = messageOf(compatible, [...cut.map((content) => chunk({ content })), chunk({}, 'stop')])
      expect(seen.content).toMatchObject([
        { type: 'thinking', thinking: 'a </b> c' },
        { type: 'text', text: '\nso </think>' },
      ])
    }
    for (const content of ['<thin', ' <', 'a <think>b</think>'])
      expect(messageOf(compatible, [chunk({ content }), chunk({}, 'stop')]).content).toEqual([
        { type: 'text', text: content },
      ])
  })
  test('repeated deltas are skipped (xai)', () => {
    const seen = messageOf(xai, [
      chunk({ reasoning_content: 'a' }),
      chunk({ reasoning_content: 'a' }),
      chunk({ reasoning_content: 'b' }),
      chunk({ content: 'x' }, 'stop'),
    ])
    expect(seen.content[0]).toMatchObject({ thinking: 'ab' })
  })
  test.each<[string, ChatQuirks, string, Delta, Delta]>([
    ['deepseek', deepseek, 'deepseek', { reasoning_content: 'hm' }, { reasoning_content: 'hm' }],
    ['groq', groq, 'groq', { reasoning: 'hm' }, { reasoning: 'hm' }],
    [
      'openrouter',
      openrouter,
      'openrouter',
      { reasoning: 'hm', reasoning_details: [{ ...detail, signature: 's' }] },
      { reasoning_details: [{ ...detail, signature: 's' }] },
    ],
  ])('goes round: what %s thought returns to it as it came', (_name, quirks, provider, delta, back) => {
    const { content } = messageOf(
      quirks,
      [chunk(delta), piece({ index: 0, ...call('t1') }), chunk({}, 'tool_calls')],
      contextFor(provider),
    )
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1' }] },
    ]
    expect(sent(quirks, { messages }, {}, provider).body.messages[1]).toMatchObject(back)
  })
  test('streamed details are joined, late ones get a block of their own', () => {
    const { content } = messageOf(
      openrouter,
      [
        chunk({ reasoning_details: [{ ...detail, text: 'h' }] }),
        chunk({ reasoning_details: [{ ...detail, text: 'm' }] }),
        chunk({ content: 'x' }),
        chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'zz', index: 1 }] }),
        chunk({}, 'stop'),
      ],
      contextFor('openrouter'),
    )
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: 'b' },
    ]
    expect(sent(openrouter, { messages }, {}, 'openrouter').body.messages[1].reasoning_details).toEqual([
      detail,
      { type: 'reasoning.encrypted', data: 'zz', index: 1 },
    ])
  })
  test('`display: omitted`: the text stays hidden, the state comes', () => {
    const context = contextFor('deepseek', { thinking: { type: 'adaptive', display: 'omitted' } })
    const { content } = messageOf(
      deepseek,
      [chunk({ reasoning_content: 'hm' }), chunk({ content: 'x' }, 'stop')],
      context,
    )
    expect(content[0]).toMatchObject({ type: 'thinking', thinking: '' })
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content },
      { role: 'user', content: 'b' },
    ]
    expect(sent(deepseek, { messages }, {}, 'deepseek').body.messages[1].reasoning_content).toBe('hm')
  })
})

describe('Assistant prefill', () => {
  const context = () =>
    contextFor('xai', {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'Once upon' },
      ],
    })
  test.each([
    ['xai', xai],
    ['mistral', mistral],
    ['openai', openai],
  ])('%s: an echoed prefix is removed', (_name, quirks) => {
    for (const events of [['Once', ' upon', ' a time'], ['Once upon a time'], [' a time']]) {
      const seen = messageOf(quirks, [...events.map((content) => chunk({ content })), chunk({}, 'stop')], context())
      expect(seen.content).toEqual([{ type: 'text', text: ' a time' }])
    }
  })
  test('what only begins like the prefix is kept', () => {
    expect(messageOf(xai, [chunk({ content: 'Once' }, 'stop')], context()).content).toEqual([
      { type: 'text', text: 'Once' },
    ])
  })
})
