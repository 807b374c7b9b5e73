/**
 * Groq refuses a call its own check does not like with the error `tool_use_failed`, and shows what the model said. Often
 * that is a good call in a form that only the check did not know; then it is delivered. Source: Groq API, "Tool use".
 */
import type { AnswerContext } from '../../core/dialect.ts'
import { isJson, type Json } from '../../core/messages.ts'
import { createToolNames } from '../shared/tool-names.ts'

/** The calls in a failed generation, as chat completion calls; null where they are not all declared and valid. */
export function callsInFailure(value: Json, context: AnswerContext): readonly Json[] | null {
  const { error } = value
  if (!isJson(error) || error.code !== 'tool_use_failed' || typeof error.failed_generation !== 'string') return null
  const said = readCalls(error.failed_generation)
  if (said === null || said.length === 0) return null
  const names = createToolNames()
  const schemas = new Map(
    context.request.tools.map((tool) => [names.toProvider(String(tool.name)), tool.input_schema] as const),
  )
  const areValid = said.every(
    ({ name, input }) => schemas.has(name) && isJson(input) && satisfies(input, schemas.get(name), 0),
  )
  if (!areValid) return null
  return said.map(({ name, input }) => ({ function: { name, arguments: JSON.stringify(input) } }))
}

interface SaidCall {
  readonly name: string
  readonly input: unknown
}

const tagged = /^\s*<function=([\w-]{1,64})>?\s*(\{[\s\S]*\})\s*<?\/?(?:function)?>?\s*$/

/** `{"name","arguments"}`, a list of those, or Llama's `<function=name>{…}</function>`. */
function readCalls(text: string): SaidCall[] | null {
  const tag = tagged.exec(text)
  if (tag !== null) {
    const input = parsedText(tag[2] ?? '')
    return [{ name: tag[1] ?? '', input }]
  }
  const value = parsedText(text)
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const calls = list.map((item) => {
    if (!isJson(item) || typeof item.name !== 'string') return null
    const input = item.arguments ?? item.parameters ?? {}
    return { name: item.name, input: typeof input === 'string' ? parsedText(input) : input }
  })
  return calls.every((call) => call !== null) ? calls : null
}

function parsedText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const depthLimit = 32

/** Whether a value satisfies the part of JSON Schema that tool schemas are made of; words beyond it say no. */
function satisfies(value: unknown, schema: unknown, depth: number): boolean {
  if (schema === undefined || schema === true) return true
  if (!isJson(schema) || depth > depthLimit) return false
  if (['$ref', 'oneOf', 'allOf', 'not', 'if'].some((word) => schema[word] !== undefined)) return false
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some((inner) => satisfies(value, inner, depth + 1))) return false
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return false
  if (schema.const !== undefined && schema.const !== value) return false
  if (schema.type !== undefined) {
    const types: readonly unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type]
    if (!types.some((type) => hasType(value, type))) return false
  }
  if (Array.isArray(value)) return value.every((item) => satisfies(item, schema.items, depth + 1))
  return !isJson(value) || objectSatisfies(value, schema, depth)
}

function objectSatisfies(value: Json, schema: Json, depth: number): boolean {
  const properties = isJson(schema.properties) ? schema.properties : {}
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : []
  if (!required.every((name) => typeof name === 'string' && Object.hasOwn(value, name))) return false
  return Object.entries(value).every(([name, inner]) => {
    if (Object.hasOwn(properties, name)) return satisfies(inner, properties[name], depth + 1)
    return schema.additionalProperties === false ? false : satisfies(inner, schema.additionalProperties, depth + 1)
  })
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value)
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isJson(value)
    default:
      return typeof value === type
  }
}
