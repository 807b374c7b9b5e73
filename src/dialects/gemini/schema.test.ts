import { describe, expect, test } from 'vitest'
import { isJson } from '../../core/messages.ts'
import { Notes } from '../shared/notes.ts'
import { restoreMembers } from './enum-words.ts'
import { toGeminiSchema } from './schema.ts'

/** As the parameter `p` of a tool, and what was noted. */
function converted(schema: unknown, more: object = {}) {
  const notes = new Notes()
  const root = { type: 'object', properties: { p: schema }, ...more }
  const { properties } = toGeminiSchema(root, { notes, enums: 'strings', root: true })
  return {
    schema: isJson(properties) ? properties.p : undefined,
    notes: notes.all.map(({ what, how }) => `${what} ${how}`),
  }
}
const of = (schema: unknown, more: object = {}) => converted(schema, more).schema

describe('Gemini schema subset: removed', () => {
  test('`$schema`, `$id`, `additionalProperties`, `propertyNames`, `patternProperties`, `if/then/else`, `not`, `multipleOf`', () => {
    const { schema, notes } = converted({
      $schema: 'x',
      $id: 'y',
      type: 'object',
      properties: { a: { type: 'integer', multipleOf: 2 } },
      additionalProperties: { type: 'string' },
      propertyNames: { pattern: '^a' },
      patternProperties: { '^b': {} },
      if: {},
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON schema.
      then: {},
      else: {},
      not: {},
    })
    expect(schema).toEqual({ type: 'object', properties: { a: { type: 'integer' } } })
    for (const word of [
      'additionalProperties',
      'propertyNames',
      'patternProperties',
      'if',
      'then',
      'else',
      'not',
      'multipleOf',
    ])
      expect(notes).toContain(`schema:${word} dropped`)
  })
  test('properties may have such names', () => {
    const properties = { $schema: { type: 'string' }, type: { type: 'string' }, not: { type: 'number' } }
    expect(of({ type: 'object', properties })).toEqual({ type: 'object', properties })
  })
})

describe('`$ref` from `$defs`/`definitions` is put in', () => {
  const $defs = { word: { type: 'string', minLength: 1 }, 'a/b~c d': { type: 'number' } }
  test('with what stands beside it', () => {
    expect(of({ $ref: '#/$defs/word', description: 'w' }, { $defs })).toEqual({
      type: 'string',
      minLength: 1,
      description: 'w',
    })
    expect(of({ $ref: '#/definitions/word' }, { definitions: $defs })).toEqual({ type: 'string', minLength: 1 })
    expect(of({ $ref: '#/$defs/a~1b~0c%20d' }, { $defs })).toEqual({ type: 'number' })
  })
  test('recursion is cut with a plain object, recorded', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' }, value: { type: 'string' } } }
    const { schema, notes } = converted({ $ref: '#/$defs/node' }, { $defs: { node } })
    expect(schema).toEqual({ type: 'object', properties: { next: { type: 'object' }, value: { type: 'string' } } })
    expect(notes).toEqual(['schema:recursion converted'])
    expect(of({ type: 'array', items: { $ref: '#' } })).toMatchObject({
      items: { properties: { p: { items: { type: 'object' } } } },
    })
    expect(of({ $ref: '#/$defs/x' }, { $defs: { x: { $ref: '#/$defs/x' } } })).toEqual({ type: 'object' })
  })
  test('an address that leads nowhere is recorded', () => {
    const { schema, notes } = converted({ $ref: 'https://x.org/s.json', type: 'string' })
    expect(schema).toEqual({ type: 'string' })
    expect(notes).toEqual(['schema:unknown_ref converted'])
  })
  test('schemas in schemas without end are cut', () => {
    const deep = JSON.parse(`${'{"items":'.repeat(10_000)}{}${'}'.repeat(10_000)}`)
    expect(converted(deep).notes).toContain('schema:too_large converted')
    expect(converted(JSON.parse(`${'{"allOf":['.repeat(10_000)}{}${']}'.repeat(10_000)}`)).notes).toContain(
      'schema:too_large converted',
    )
  })
  test('references that multiply end', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `d${index}`,
        {
          type: 'object',
          properties: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { $ref: `#/$defs/d${index + 1}` }])),
        },
      ]),
    )
    expect(converted({ $ref: '#/$defs/d0' }, { $defs }).notes).toContain('schema:too_large converted')
  })
})

describe('unions', () => {
  test('`oneOf` → `anyOf`', () => {
    const oneOf = [{ type: 'string' }, { type: 'number' }]
    expect(of({ oneOf, description: 'd' })).toEqual({ anyOf: oneOf, description: 'd' })
  })
  test('merge `allOf`', () => {
    const parts = [
      { type: 'object', properties: { a: { type: 'string' }, b: { minimum: 1 } }, required: ['a'] },
      { $ref: '#/$defs/more' },
    ]
    const more = { properties: { b: { type: 'integer', minimum: 0 } }, required: ['b'] }
    expect(of({ allOf: parts, description: 'd' }, { $defs: { more } })).toEqual({
      type: 'object',
      description: 'd',
      properties: { a: { type: 'string' }, b: { type: 'integer', minimum: 1 } },
      required: ['a', 'b'],
    })
  })
  test('type array → one type + `nullable`, or `anyOf`', () => {
    expect(of({ type: ['string', 'null'], minLength: 2 })).toEqual({ type: 'string', minLength: 2, nullable: true })
    expect(of({ type: ['string', 'integer', 'null'], minLength: 2, minimum: 3 })).toEqual({
      anyOf: [
        { type: 'string', minLength: 2 },
        { type: 'integer', minimum: 3 },
      ],
      nullable: true,
    })
  })
  test('`anyOf` with null → `nullable`', () => {
    expect(of({ anyOf: [{ type: 'string', description: 'inner' }, { type: 'null' }], description: 'outer' })).toEqual({
      type: 'string',
      description: 'outer',
      nullable: true,
    })
    expect(of({ anyOf: [{ type: 'string' }, { type: 'number' }, { const: null }] })).toEqual({
      anyOf: [{ type: 'string' }, { type: 'number' }],
      nullable: true,
    })
  })
  test('variants that are words alone are one list of words', () => {
    expect(of({ anyOf: [{ type: 'string', enum: ['a', 'b'] }, { const: 'c' }], description: 'd' })).toEqual({
      type: 'string',
      enum: ['a', 'b', 'c'],
      description: 'd',
    })
  })
  test('what stands beside variants holds for each', () => {
    const properties = { a: { type: 'string' }, b: { type: 'string' } }
    expect(of({ type: 'object', properties, anyOf: [{ required: ['a'] }, { required: ['b'] }] })).toEqual({
      anyOf: [
        { type: 'object', properties, required: ['a'] },
        { type: 'object', properties, required: ['b'] },
      ],
    })
  })
  test('at the root an object is made of the variants', () => {
    const notes = new Notes()
    const variant = (name: string) => ({
      type: 'object',
      properties: { kind: { const: name }, [name]: { type: 'string' } },
      required: ['kind', name],
    })
    expect(toGeminiSchema({ oneOf: [variant('a'), variant('b')] }, { notes, enums: 'strings', root: true })).toEqual({
      type: 'object',
      properties: {
        kind: { type: 'string', enum: ['a', 'b'] },
        a: { type: 'string' },
        b: { type: 'string' },
      },
      required: ['kind'],
    })
    expect(notes.all).toEqual([{ what: 'schema:root_union', how: 'converted' }])
  })
})

describe('enums', () => {
  test('`const` → one-value `enum`', () => {
    expect(of({ const: 'a' })).toEqual({ type: 'string', enum: ['a'] })
  })
  test('null enum member → `nullable`', () => {
    expect(of({ type: ['string', 'null'], enum: ['a', null] })).toEqual({ type: 'string', enum: ['a'], nullable: true })
  })
  test('non-string enum → strings', () => {
    expect(of({ type: 'integer', enum: [1, 2], default: 1, minimum: 1 })).toEqual({
      type: 'string',
      enum: ['1', '2'],
      default: '1',
    })
    expect(of({ const: true })).toEqual({ type: 'string', enum: ['true'] })
  })
  test('empty members, which Gemini refuses, are left out', () => {
    expect(of({ enum: ['', 'a'] })).toEqual({ type: 'string', enum: ['a'] })
    expect(of({ enum: [''] })).toEqual({ type: 'string' })
  })
})

describe('converted back in the answer', () => {
  const schema = {
    type: 'object',
    properties: {
      level: { enum: [1, 2, '3', 3] },
      flag: { const: true },
      word: { type: 'string' },
      list: { type: 'array', items: { $ref: '#/$defs/n' } },
      pair: { prefixItems: [{ enum: [1] }, { type: 'string' }] },
      either: { anyOf: [{ type: 'integer', enum: [7] }, { type: 'null' }] },
      open: { anyOf: [{ enum: [7] }, { type: 'string' }] },
      shape: {
        oneOf: [
          { properties: { kind: { const: 'a' }, n: { enum: [1] } } },
          { properties: { kind: { const: 'b' }, n: { type: 'string' } } },
        ],
      },
      tree: { $ref: '#/$defs/tree' },
    },
    $defs: { n: { enum: [1.5, false] }, tree: { properties: { n: { enum: [4] }, child: { $ref: '#/$defs/tree' } } } },
  }
  test.each([
    [{ level: '2' }, { level: 2 }],
    [{ level: '3' }, { level: '3' }],
    [{ level: 'other' }, { level: 'other' }],
    [
      { flag: 'true', word: '1' },
      { flag: true, word: '1' },
    ],
    [{ list: ['1.5', 'false', 'x'] }, { list: [1.5, false, 'x'] }],
    [{ pair: ['1', '1'] }, { pair: [1, '1'] }],
    [
      { either: '7', open: '7' },
      { either: 7, open: '7' },
    ],
    [{ shape: { kind: 'a', n: '1' } }, { shape: { kind: 'a', n: 1 } }],
    [{ shape: { kind: 'b', n: '1' } }, { shape: { kind: 'b', n: '1' } }],
    [{ tree: { n: '4', child: { child: { n: '4' } } } }, { tree: { n: 4, child: { child: { n: 4 } } } }],
    [{ unknown: ['1', null, 2] }, { unknown: ['1', null, 2] }],
  ])('%j is %j', (input, expected) => {
    expect(restoreMembers(input, schema)).toEqual(expected)
  })
})

describe('values', () => {
  test('`exclusiveMinimum`/`exclusiveMaximum` → `minimum`/`maximum` (± 1 for integers)', () => {
    expect(of({ type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 })).toEqual({
      type: 'integer',
      minimum: 1,
      maximum: 9,
    })
    expect(of({ type: 'number', exclusiveMinimum: 0 })).toEqual({ type: 'number', minimum: 0 })
    expect(of({ type: 'integer', minimum: 5, exclusiveMinimum: true })).toEqual({ type: 'integer', minimum: 6 })
    expect(of({ type: 'integer', minimum: 5, exclusiveMinimum: 0 })).toEqual({ type: 'integer', minimum: 5 })
  })
  test('array without `items` → `items:{type:string}`', () => {
    expect(of({ type: 'array', minItems: 1 })).toEqual({ type: 'array', items: { type: 'string' }, minItems: 1 })
  })
  test('a list with a place for each item takes any of them', () => {
    expect(of({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] })).toEqual({
      type: 'array',
      items: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    })
  })
  test('string `format` only `enum`, `date-time`', () => {
    expect(of({ type: 'string', format: 'date-time' })).toEqual({ type: 'string', format: 'date-time' })
    expect(converted({ type: 'string', format: 'uri' })).toEqual({
      schema: { type: 'string' },
      notes: ['schema:format dropped'],
    })
    expect(of({ type: 'integer', format: 'int64' })).toEqual({ type: 'integer', format: 'int64' })
  })
  test('required names that are not there are left out', () => {
    expect(of({ type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'z'] })).toMatchObject({
      required: ['a'],
    })
  })
  test('a type is found where none is named; any value where nothing says one', () => {
    expect(of({ properties: { a: { type: 'string' } } })).toMatchObject({ type: 'object' })
    expect(of({ items: { type: 'string' } })).toMatchObject({ type: 'array' })
    expect(of({ pattern: 'a' })).toEqual({ type: 'string', pattern: 'a' })
    expect(of({ minimum: 1 })).toEqual({ type: 'number', minimum: 1 })
    for (const open of [{}, true]) expect(of(open)).toHaveProperty('anyOf')
  })
  test('what Gemini knows is kept', () => {
    const all = {
      type: 'object',
      title: 't',
      description: 'd',
      nullable: true,
      properties: {
        s: { type: 'string', minLength: 1, maxLength: 9, pattern: 'x', default: 'x' },
        n: { type: 'number', minimum: 0.5, maximum: 1.5 },
        l: { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 },
      },
      required: ['s'],
      propertyOrdering: ['s', 'n', 'l'],
      minProperties: 1,
      maxProperties: 3,
    }
    expect(of(all)).toEqual(all)
  })
})
