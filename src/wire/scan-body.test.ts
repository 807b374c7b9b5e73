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

test('a mistake never quotes the text around it', () => {
  const found = scan('{"model":"m","messages":[secret prompt]}')
  expect(JSON.stringify(found)).not.toContain('secret')
})
