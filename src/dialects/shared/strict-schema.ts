import { isJson } from '../../core/messages.ts'

/**
 * Whether OpenAI's strict mode takes a schema: objects name all their properties as required, and allow no others.
 * Source: OpenAI documentation, "Structured outputs", supported schemas.
 */
export function isStrictSchema(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema)
  if (!isJson(schema)) return true
  const { properties, required } = schema
  if (schema.type === 'object' || isJson(properties)) {
    if (schema.additionalProperties !== false || !isJson(properties)) return false
    const names: readonly unknown[] = Array.isArray(required) ? required : []
    if (!Object.keys(properties).every((name) => names.includes(name))) return false
    if (!Object.values(properties).every(isStrictSchema)) return false
  }
  if (!isStrictSchema(schema.items) || !isStrictSchema(schema.anyOf)) return false
  return [schema.$defs, schema.definitions].every((defs) => !isJson(defs) || Object.values(defs).every(isStrictSchema))
}
