import { isJson, type Json } from '../core/messages.ts'
import { title } from './prose.ts'
import type { Random } from './random.ts'

const maxDepth = 8

/**
 * A value that satisfies a JSON schema of the kind tools and structured answers use (types, enum, const, required,
 * items, anyOf, minimum, minItems, minLength). Optional properties are left out; what is not understood becomes null.
 */
export function schemaValue(schema: unknown, random: Random, depth = 0): unknown {
  if (!isJson(schema) || depth > maxDepth) return null
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  const choices = schema.enum
  if (Array.isArray(choices) && choices.length > 0) return choices[random.integer(0, choices.length - 1)]
  for (const alternatives of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(alternatives) && alternatives.length > 0) return schemaValue(alternatives[0], random, depth + 1)
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'string':
      return stringValue(schema, random)
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : random.integer(0, 9)
    case 'boolean':
      return random.chance(0.5)
    case 'array': {
      const length = typeof schema.minItems === 'number' ? schema.minItems : 1
      return Array.from({ length }, () => schemaValue(schema.items, random, depth + 1))
    }
    case 'object':
      return objectValue(schema, random, depth)
    default:
      return isJson(schema.properties) ? objectValue(schema, random, depth) : null
  }
}

function objectValue(schema: Json, random: Random, depth: number): Json {
  const properties = isJson(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required.map(String) : Object.keys(properties)
  return Object.fromEntries(required.map((name) => [name, schemaValue(properties[name], random, depth + 1)]))
}

function stringValue(schema: Json, random: Random): string {
  if (schema.format === 'uri') return 'https://example.com/'
  if (schema.format === 'date-time') return '2026-01-01T00:00:00Z'
  if (schema.format === 'date') return '2026-01-01'
  const text = title(random)
  const minLength = typeof schema.minLength === 'number' ? schema.minLength : 0
  const maxLength = typeof schema.maxLength === 'number' ? schema.maxLength : text.length + minLength
  return text.padEnd(minLength, '.').slice(0, maxLength)
}
