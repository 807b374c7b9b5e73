/** Enums that are no strings: Gemini takes strings alone, so they go as their JSON text, and come back as what they were. */
import { isJson, type Json } from '../../core/messages.ts'
import { FlatSchemas, stepLimit } from './flat-schema.ts'

/** The members of `enum`, or the one of `const`; null where there is neither. */
export function membersOf(schema: Json): readonly unknown[] | null {
  if (Array.isArray(schema.enum)) return schema.enum
  return schema.const === undefined ? null : [schema.const]
}

export const wordOf = (member: unknown): string => (typeof member === 'string' ? member : JSON.stringify(member))

const depthLimit = 64
const noRefs: ReadonlySet<string> = new Set()

/** A call's input with words turned back into the members they stand for, by the tool's own schema. */
export function restoreMembers(input: Json, schema: unknown): Json {
  if (!isJson(schema)) return input
  const restored = new Restoration(schema).value(input, [schema], 0)
  return isJson(restored) ? restored : input
}

class Restoration {
  readonly #flat: FlatSchemas

  constructor(root: Json) {
    this.#flat = new FlatSchemas(root, { left: stepLimit })
  }

  /** `nodes`: the schemas of which the value satisfies one. */
  value(value: unknown, nodes: readonly unknown[], depth: number): unknown {
    if (depth > depthLimit || nodes.length === 0) return value
    if (typeof value === 'string') return memberOf(value, this.#alternatives(nodes, value, 0))
    if (Array.isArray(value)) {
      const schemas = this.#alternatives(nodes, value, 0)
      return value.map((item, index) => this.value(item, itemSchemas(schemas, index), depth + 1))
    }
    if (!isJson(value)) return value
    const schemas = this.#alternatives(nodes, value, 0)
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        this.value(inner, propertySchemas(schemas, name), depth + 1),
      ]),
    )
  }

  /** All variants that a value may be of, flat; those that its words rule out are left out. */
  #alternatives(nodes: readonly unknown[], value: unknown, depth: number): readonly Json[] {
    if (depth > depthLimit) return []
    const found = nodes.filter(isJson).flatMap((node): readonly Json[] => {
      // References count from here anew: it is the value that ends.
      const { schema } = this.#flat.flatten(node, noRefs, depth)
      const { anyOf, oneOf, ...base } = schema
      const variants = [...(Array.isArray(anyOf) ? anyOf : []), ...(Array.isArray(oneOf) ? oneOf : [])].filter(isJson)
      if (variants.length === 0) return [schema]
      return this.#alternatives(
        variants.map((variant) => ({ allOf: [base, variant] })),
        value,
        depth + 1,
      )
    })
    return isJson(value) ? found.filter((schema) => isPossible(value, schema)) : found
  }
}

/** False where a property has a value that this schema does not allow: then the object is of another variant. */
function isPossible(value: Json, schema: Json): boolean {
  if (!isJson(schema.properties)) return true
  return Object.entries(schema.properties).every(([name, property]) => {
    if (!isJson(property) || !Object.hasOwn(value, name)) return true
    const members = membersOf(property)
    return members === null || members.some((member) => wordOf(member) === wordOf(value[name]))
  })
}

function memberOf(word: string, schemas: readonly Json[]): unknown {
  let found: unknown = word
  for (const schema of schemas) {
    const members = membersOf(schema)
    // A text is possible here, so it is one.
    if (members === null) {
      if (schema.type === undefined || schema.type === 'string') return word
      if (Array.isArray(schema.type) && schema.type.includes('string')) return word
      continue
    }
    if (members.includes(word)) return word
    const member = members.find((one) => one !== null && wordOf(one) === word)
    if (member !== undefined && found === word) found = member
  }
  return found
}

function itemSchemas(schemas: readonly Json[], index: number): readonly unknown[] {
  return schemas.flatMap(({ items, prefixItems }) => {
    const tuple = Array.isArray(items) ? items : prefixItems
    if (Array.isArray(tuple) && index < tuple.length) return [tuple[index]]
    return isJson(items) ? [items] : []
  })
}

const propertySchemas = (schemas: readonly Json[], name: string): readonly unknown[] =>
  schemas.flatMap(({ properties }) => (isJson(properties) && Object.hasOwn(properties, name) ? [properties[name]] : []))
