import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { isJson, type Json } from '../../core/messages.ts'
import { Notes } from '../shared/notes.ts'
import { restoreMembers } from './enum-words.ts'
import { toGeminiSchema } from './schema.ts'

// Generated cases take seconds on a slow machine.
vi.setConfig({ testTimeout: 60_000 })

const kept = new Set([
  ...[
    'type',
    'format',
    'title',
    'description',
    'nullable',
    'enum',
    'properties',
    'required',
    'items',
    'anyOf',
    'default',
  ],
  ...[
    'minItems',
    'maxItems',
    'minProperties',
    'maxProperties',
    'minLength',
    'maxLength',
    'minimum',
    'maximum',
    'pattern',
  ],
  'propertyOrdering',
])

const word = fc.constantFrom('a', 'b', 'type', 'enum')
const { schema: anySchema } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 5 },
    fc.record(
      {
        type: fc.oneof(
          fc.constantFrom('string', 'integer', 'object', 'array', 'null', 'odd'),
          fc.array(fc.constantFrom('string', 'object', 'null')),
        ),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
        const: fc.jsonValue({ maxDepth: 1 }),
        format: fc.constantFrom('uri', 'date-time', 'int32'),
        minimum: fc.integer(),
        exclusiveMaximum: fc.oneof(fc.integer(), fc.boolean()),
        default: fc.jsonValue({ maxDepth: 1 }),
        uniqueItems: fc.boolean(),
        $comment: fc.string(),
      },
      { requiredKeys: [] },
    ),
    fc.record(
      {
        type: fc.constantFrom('object', 'array'),
        properties: fc.dictionary(word, tie('schema'), { maxKeys: 3 }),
        required: fc.array(word, { maxLength: 2 }),
        items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
        additionalProperties: tie('schema'),
        anyOf: fc.array(tie('schema'), { maxLength: 3 }),
        oneOf: fc.array(tie('schema'), { maxLength: 2 }),
        allOf: fc.array(tie('schema'), { maxLength: 2 }),
        not: tie('schema'),
      },
      { requiredKeys: [] },
    ),
    fc.record({ $ref: fc.constantFrom('#', '#/$defs/a', '#/$defs/b', '#/$defs/none', 'x'), description: fc.string() }),
    fc.jsonValue({ maxDepth: 2 }),
  ),
}))
const anyRoot = fc.record({
  $defs: fc.dictionary(word, anySchema, { maxKeys: 3 }),
  properties: fc.dictionary(word, anySchema),
})

/** Reads a schema as Google documents it, and says what is wrong. */
function problemsOf(schema: unknown, path = '#'): string[] {
  if (!isJson(schema)) return [`${path} is no schema`]
  const problems = Object.keys(schema).flatMap((key) => (kept.has(key) ? [] : [`${path} has ${key}`]))
  if (schema.type === undefined && schema.anyOf === undefined) problems.push(`${path} has no type`)
  if (
    schema.type !== undefined &&
    !['string', 'number', 'integer', 'boolean', 'array', 'object'].includes(String(schema.type))
  )
    problems.push(`${path} is of type ${String(schema.type)}`)
  if (schema.type === 'array' && schema.items === undefined) problems.push(`${path} has no items`)
  if (schema.enum !== undefined) {
    const members = Array.isArray(schema.enum) ? schema.enum : []
    if (
      schema.type !== 'string' ||
      members.length === 0 ||
      members.some((member) => typeof member !== 'string' || member === '')
    )
      problems.push(`${path} has a wrong enum`)
  }
  const properties = isJson(schema.properties) ? schema.properties : {}
  for (const name of Array.isArray(schema.required) ? schema.required : [])
    if (!Object.hasOwn(properties, name)) problems.push(`${path} requires ${name}`)
  const inner: [string, unknown][] = Object.entries(properties)
  if (schema.items !== undefined) inner.push(['items', schema.items])
  if (Array.isArray(schema.anyOf)) for (const variant of schema.anyOf) inner.push(['anyOf', variant])
  return [...problems, ...inner.flatMap(([name, value]) => problemsOf(value, `${path}/${name}`))]
}

describe('any schema', () => {
  test('ends, and never leaves a key outside the kept list', () => {
    fc.assert(
      fc.property(
        anyRoot,
        fc.constantFrom('strings' as const, 'types' as const),
        fc.boolean(),
        (schema: Json, enums, root) => {
          const seen = toGeminiSchema(schema, { notes: new Notes(), enums, root, steps: { left: 2_000 } })
          expect(problemsOf(seen)).toEqual([])
          if (root) expect(seen.type).toBe('object')
        },
      ),
      { numRuns: 150 },
    )
  })
  test('converting back ends too, and leaves what is no member', () => {
    fc.assert(
      fc.property(anyRoot, fc.dictionary(word, fc.jsonValue({ maxDepth: 3 })), (schema, input) => {
        const seen = restoreMembers(JSON.parse(JSON.stringify(input)), schema)
        expect(Object.keys(seen)).toEqual(Object.keys(input))
      }),
    )
  })
})
