import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanBody } from './scan-body.ts'

/** Pushes a body over the limit up to which it is simply parsed. */
const padding = 'x'.repeat(17_000)
const scan = (text: string) => scanBody(Buffer.from(text))

describe('the scan of a large body', () => {
  test('finds the same fields as a parse, whatever else the body holds', () => {
    const member = fc.tuple(
      fc.string().filter((key) => !['model', 'stream', 'max_tokens', 'metadata', 'pad', '__proto__'].includes(key)),
      fc.jsonValue(),
    )
    const property = fc.property(
      fc.array(member),
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.boolean(),
      fc.nat(1e6),
      fc.nat(3),
      (others, model, stream, maxTokens, space) => {
        const body = Object.fromEntries([
          ...others,
          ['model', model],
          ['pad', `{"model":"inner"}${padding}`],
          ['stream', stream],
          ['max_tokens', maxTokens],
          ['metadata', { user_id: 'u"\\' }],
        ])
        expect(scan(JSON.stringify(body, null, space))).toEqual({
          fields: { model: JSON.parse(JSON.stringify(model)), stream, userId: 'u"\\' },
        })
      },
    )
    fc.assert(property)
  })

  test('takes model and stream from head and tail, and is not fooled by the same words elsewhere', () => {
    const around = (messages: string, tail: string): string =>
      `{"model":"m-1","messages":[${messages}],"pad":"${padding}"${tail}}`
    const fields = (model: string, stream: boolean, userId: string | null = null) => ({
      fields: { model, stream, userId },
    })
    expect(scan(around('', ',"stream":true'))).toEqual(fields('m-1', true))
    expect(scan(around('', ''))).toEqual(fields('m-1', false))
    expect(scan(around('{"stream":true}', ''))).toEqual(fields('m-1', false))
    expect(scan(around('{"stream":true}', ',"stream" : false '))).toEqual(fields('m-1', false))
    expect(scan(around('"\\"stream\\":true"', ''))).toEqual(fields('m-1', false))
    expect(scan(around('', ',"stream":true,"metadata":{"user_id":"a\\"b"}'))).toEqual(fields('m-1', true, 'a"b'))
    expect(scan(around('{"metadata":{"user_id":"inner"}}', ',"metadata":{"other":1},"stream":true'))).toEqual(
      fields('m-1', true),
    )
  })

  test('is not fooled by strings that look like members, by escapes or by nested objects', () => {
    const body = `{"messages":["\\\\\\"model\\":\\"fake\\"","\\\\",{"model":"nested"}],"system":"${padding}","model":"real","tools":[{"stream":true}]}`
    expect(scan(body)).toEqual({ fields: { model: 'real', stream: false, userId: null } })
  })

  test.each([
    '',
    '{',
    '{"a"',
    '{"a":',
    '{"a":"',
    `{"pad":"${padding}"`,
    `{"pad":"${padding}",}`,
    `{"pad":["${padding}"}`,
    `["${padding}"]`,
    `{"pad":"${padding}"} x`,
    `{"model":tru,"pad":"${padding}"}`,
  ])('says that a broken body is broken (%#)', (text) => expect(scan(text)).toHaveProperty('mistake'))
})

describe('the metadata of a large body', () => {
  /** Words that a scan could take for something else, and trees that are full of them. */
  const word = fc.constantFrom(
    ...['metadata', 'user_id', 'stream', 'model', 'text'],
    ...['say "metadata', '"metadata"', ',"metadata":{"user_id":"quoted"}}', '\\', 'metadata\\', ''],
  )
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.constantFrom(null, true, 1),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 3 }),
      fc.record({ metadata: fc.record({ user_id: word }) }),
    ),
  }))
  const metadata = fc.oneof(
    fc.record({ user_id: word }),
    fc.record({ other: tree, user_id: word, more: tree }),
    fc.dictionary(word, tree, { maxKeys: 3 }),
    fc.constantFrom(null, 'metadata', []),
  )
  const member = (key: string, value: fc.Arbitrary<unknown>) => fc.option(fc.tuple(fc.constant(key), value))
  const pad = fc.constantFrom('', padding)
  const bodies = fc
    .tuple(
      fc.tuple(fc.constant('model'), word),
      member('stream', fc.boolean()),
      member('metadata', metadata),
      member('messages', fc.tuple(pad, tree)),
      member('tools', fc.tuple(tree, pad)),
      member('say "metadata', fc.record({ user_id: fc.constant('of a longer key') })),
      fc.constant(['pad', padding] as const),
    )
    .chain(([model, ...rest]) => {
      const others = rest.filter((one) => one !== null)
      const orders = fc.shuffledSubarray(others, { minLength: others.length })
      // Usually clients write the model first.
      return orders.chain((order) => fc.boolean().map((first) => (first ? [model, ...order] : [...order, model])))
    })

  test('is that of the top level and no other, wherever it stands', () => {
    const found = { withUser: 0, without: 0 }
    const property = fc.property(bodies, fc.constantFrom(0, 1), (members, space) => {
      const text = JSON.stringify(Object.fromEntries(members), null, space)
      const whole = JSON.parse(text)
      const user = whole.metadata?.user_id
      const userId = typeof user === 'string' ? user : null
      found[userId === null ? 'without' : 'withUser'] += 1
      expect(scan(text)).toEqual({ fields: { model: whole.model, stream: whole.stream === true, userId } })
    })
    fc.assert(property, { numRuns: 2_000 })
    // A property that never met either case would say nothing.
    expect(found.withUser).toBeGreaterThan(100)
    expect(found.without).toBeGreaterThan(100)
  })

  test.each([
    ['last of all', `"messages":[],"pad":"${padding}","metadata":{"user_id":"u"}`, 'u'],
    ['first of all', `"metadata":{"user_id":"u"},"pad":"${padding}","messages":[{"metadata":{"user_id":"no"}}]`, 'u'],
    ['in the middle', `"pad":"${padding}","metadata":{"user_id":"u"},"more":"${padding}"`, 'u'],
    ['in a message alone', `"pad":"${padding}","messages":[{"metadata":{"user_id":"no"}}]`, null],
    ['in a tool that is the last thing', `"pad":"${padding}","tool":{"metadata":{"user_id":"no"}}`, null],
    ['at the end of a string', `"pad":"${padding}","say \\"metadata":{"user_id":"no"}`, null],
    ['over its limit', `"pad":"${padding}","metadata":{"user_id":"${padding}"}`, null],
  ])('%s', (_where, members, userId) => {
    expect(scan(`{"model":"m",${members}}`)).toEqual({ fields: { model: 'm', stream: false, userId } })
  })
})

test('a mistake never quotes the text around it', () => {
  const found = scan('{"model":"m","messages":[secret prompt]}')
  expect(JSON.stringify(found)).not.toContain('secret')
})
