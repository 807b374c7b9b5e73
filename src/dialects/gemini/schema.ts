/**
 * JSON schemas as the subset of OpenAPI 3.0 that Gemini takes (Gemini API reference, `Schema`). What the subset cannot
 * say is left out and noted.
 */
import { isJson, type Json } from '../../core/messages.ts'
import type { Notes } from '../shared/notes.ts'
import { membersOf, wordOf } from './enum-words.ts'
import { FlatSchemas, mergeSchemas, type Steps, stepLimit } from './flat-schema.ts'

export interface SchemaRules {
  readonly notes: Notes
  /** Enums that are no strings: as `strings`, to be converted back in the answer, or as the plain `types` of their values. */
  readonly enums: 'strings' | 'types'
  /** The root of a function's parameters is an object, whatever it says. */
  readonly root?: boolean
  /** What the schemas of one request may cost together. */
  readonly steps?: Steps
}

export function toGeminiSchema(schema: unknown, rules: SchemaRules): Json {
  return isJson(schema) ? new Conversion(schema, rules).root() : { type: 'object' }
}

/** No properties: such parameters are left out (Gemini refuses them at the root). */
export const isEmptyObject = (schema: Json): boolean =>
  schema.anyOf === undefined && !(isJson(schema.properties) && Object.keys(schema.properties).length > 0)

type Refs = ReadonlySet<string>
const noRefs: Refs = new Set()

/** Said about a schema, not of its values. */
const annotations = ['title', 'description'] as const

const plainTypes: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object'])

/** Rules for values that the subset has no word for. Annotations of any name are left out without a note. */
const unsayable: ReadonlySet<string> = new Set([
  ...['propertyNames', 'patternProperties', 'if', 'then', 'else', 'not', 'multipleOf', 'uniqueItems', 'contains'],
  ...['dependentRequired', 'dependentSchemas', 'dependencies', 'unevaluatedProperties', 'unevaluatedItems'],
])

/** What a value may be where the schema does not say: Gemini wants a type everywhere. */
const anyValue: readonly Json[] = [
  { type: 'string' },
  { type: 'number' },
  { type: 'boolean' },
  { type: 'object' },
  { type: 'array', items: { type: 'string' } },
]

class Conversion {
  readonly #schema: Json
  readonly #rules: SchemaRules
  readonly #flat: FlatSchemas

  constructor(schema: Json, rules: SchemaRules) {
    this.#schema = schema
    this.#rules = rules
    const steps = rules.steps ?? { left: stepLimit }
    this.#flat = new FlatSchemas(schema, steps, (cut) => this.#note(cut, 'converted'))
  }

  root(): Json {
    if (this.#rules.root !== true) return this.#convert(this.#schema, noRefs, 0)
    const { schema, refs } = this.#flat.flatten(this.#schema, noRefs, 0)
    const variants = variantsOf(schema)
    const joined = variants === null ? schema : this.#joined(schema, variants, refs)
    this.#noteUnsayable(joined)
    return { ...pick(joined, annotations), ...this.#typed('object', joined, refs, 0) }
  }

  #convert(node: unknown, refs: Refs, depth: number): Json {
    if (!isJson(node)) return { anyOf: anyValue }
    const { schema, refs: known } = this.#flat.flatten(node, refs, depth)
    this.#noteUnsayable(schema)
    const head = pick(schema, annotations)
    const variants = variantsOf(schema)
    if (variants !== null) return this.#union(schema, variants, known, depth)
    const members = membersOf(schema)
    const { types, nullable } = typesOf(schema)
    const optional = nullable || members?.includes(null) === true
    const tail = { ...defaultOf(schema), ...(optional && { nullable: true }) }
    if (members !== null) return { ...head, ...this.#enumerated(schema, members, tail) }
    const [only, another] = types
    if (only === undefined) return { ...head, ...(nullable ? { type: 'string' } : { anyOf: anyValue }), ...tail }
    if (another === undefined) return { ...head, ...this.#typed(only, schema, known, depth), ...tail }
    return { ...head, anyOf: types.map((type) => this.#typed(type, schema, known, depth)), ...tail }
  }

  #enumerated(schema: Json, members: readonly unknown[], tail: Json): Json {
    const values = members.filter((member) => member !== null)
    // Gemini refuses empty members.
    const said = values.filter((member) => member !== '')
    if (said.length < values.length) this.#note('enum', 'dropped')
    if (said.length === 0) return { type: 'string', ...tail }
    if (said.every((member) => typeof member === 'string')) return { type: 'string', enum: said, ...tail }
    this.#note('enum', 'converted')
    if (this.#rules.enums === 'types') return typesOfMembers(schema, said, tail)
    const spelled = tail.default === undefined ? {} : { default: wordOf(tail.default) }
    return { type: 'string', enum: [...new Set(said.map(wordOf))], ...tail, ...spelled }
  }

  /** The words that go with one type. */
  #typed(type: string, schema: Json, refs: Refs, depth: number): Json {
    switch (type) {
      case 'string':
        return {
          type,
          ...this.#format(schema, ['enum', 'date-time']),
          ...lengths(schema),
          ...textField(schema, 'pattern'),
        }
      case 'number':
      case 'integer':
        return { type, ...this.#format(schema, ['float', 'double', 'int32', 'int64']), ...range(schema, type) }
      case 'array':
        return { type, items: this.#items(schema, refs, depth), ...counts(schema, 'minItems', 'maxItems') }
      case 'object':
        return this.#object(schema, refs, depth)
      default:
        return { type }
    }
  }

  #object(schema: Json, refs: Refs, depth: number): Json {
    if (isJson(schema.additionalProperties) && Object.keys(schema.additionalProperties).length > 0)
      this.#note('additionalProperties', 'dropped')
    const limits = counts(schema, 'minProperties', 'maxProperties')
    if (!isJson(schema.properties)) return { type: 'object', ...limits }
    const properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, value]) => [name, this.#convert(value, refs, depth + 1)]),
    )
    const named = (names: unknown): string[] =>
      Array.isArray(names) ? [...new Set(names)].filter((name) => Object.hasOwn(properties, String(name))) : []
    const required = named(schema.required)
    const propertyOrdering = named(schema.propertyOrdering)
    return {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      ...(propertyOrdering.length > 0 && { propertyOrdering }),
      ...limits,
    }
  }

  #items({ items, prefixItems }: Json, refs: Refs, depth: number): Json {
    const tuple = Array.isArray(items) ? items : prefixItems
    if (Array.isArray(tuple) && tuple.length > 0) {
      this.#note('tuple', 'converted')
      return this.#convert({ anyOf: tuple }, refs, depth + 1)
    }
    return isJson(items) || items === true ? this.#convert(items, refs, depth + 1) : { type: 'string' }
  }

  #format({ format }: Json, taken: readonly string[]): Json {
    if (typeof format !== 'string') return {}
    if (taken.includes(format)) return { format }
    this.#note('format', 'dropped')
    return {}
  }

  /** What stands beside the variants holds for each of them. */
  #union(schema: Json, variants: readonly unknown[], refs: Refs, depth: number): Json {
    const { anyOf, oneOf, title, description, default: value, nullable, ...beside } = schema
    const base = Object.keys(beside).some((key) => isStructural.has(key)) ? beside : null
    let optional = nullable === true
    const converted: Json[] = []
    for (const variant of variants) {
      const known = isJson(variant) ? this.#flat.flatten(variant, refs, depth + 1) : null
      if (known !== null && isNull(known.schema)) {
        optional = true
        continue
      }
      const whole = known === null ? (base ?? true) : base === null ? known.schema : mergeSchemas(base, known.schema)
      converted.push(this.#convert(whole, known?.refs ?? refs, depth + 1))
    }
    const different = joinVariants(converted)
    const [only, another] = different
    const tail = { ...pick(schema, annotations), ...defaultOf(schema), ...(optional && { nullable: true }) }
    if (only === undefined) return { type: 'string', ...tail, nullable: true }
    return another === undefined ? { ...only, ...tail } : { anyOf: different, ...tail }
  }

  /** At the root variants have no place: an object that has the properties of all, and must have those that all must. */
  #joined(schema: Json, variants: readonly unknown[], refs: Refs): Json {
    this.#note('root_union', 'converted')
    const { anyOf, oneOf, ...base } = schema
    const all = variants.filter(isJson).map((variant) => this.#flat.flatten(variant, refs, 1).schema)
    const properties: Record<string, unknown> = {}
    for (const { properties: own } of all)
      for (const [name, value] of Object.entries(isJson(own) ? own : {}))
        properties[name] = Object.hasOwn(properties, name) ? { anyOf: [properties[name], value] } : value
    const required = all.map((variant) => (Array.isArray(variant.required) ? variant.required : []))
    const common = (required[0] ?? []).filter((name) => required.every((names) => names.includes(name)))
    return mergeSchemas({ properties, required: common }, base)
  }

  #noteUnsayable(schema: Json): void {
    for (const key in schema) if (unsayable.has(key)) this.#note(key, 'dropped')
  }

  #note(what: string, how: 'converted' | 'dropped'): void {
    this.#rules.notes.add(`schema:${what}`, how)
  }
}

/** Words that say what a value may be, and so hold for each variant they stand beside. */
const isStructural: ReadonlySet<string> = new Set([
  ...['type', 'enum', 'const', 'properties', 'required', 'items', 'prefixItems', 'format', 'pattern'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties'],
])

const variantsOf = ({ anyOf, oneOf }: Json): readonly unknown[] | null => {
  const variants = [...(Array.isArray(anyOf) ? anyOf : []), ...(Array.isArray(oneOf) ? oneOf : [])]
  return variants.length === 0 ? null : variants
}

/** Each variant once; words from several lists are one list. */
function joinVariants(schemas: readonly Json[]): readonly Json[] {
  if (schemas.length < 2) return schemas
  if (schemas.every(isWordList))
    return [{ type: 'string', enum: [...new Set(schemas.flatMap(({ enum: words }) => words))] }]
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()]
}

const isWordList = (schema: Json): boolean => Array.isArray(schema.enum) && Object.keys(schema).length === 2

const isNull = (schema: Json): boolean => {
  const members = membersOf(schema)
  return schema.type === 'null' || members?.every((member) => member === null) === true
}

/** The types that are named, or the one that the other words give away. */
function typesOf(schema: Json): { types: readonly string[]; nullable: boolean } {
  // Nearly all schemas; a request has thousands of them.
  if (typeof schema.type === 'string' && plainTypes.has(schema.type))
    return { types: [schema.type], nullable: schema.nullable === true }
  const named = (Array.isArray(schema.type) ? schema.type : [schema.type])
    .filter((type) => typeof type === 'string')
    .map((type) => type.toLowerCase())
  const nullable = schema.nullable === true || named.includes('null')
  const types = [...new Set(named)].filter((type) => plainTypes.has(type))
  if (types.length > 0 || named.includes('null')) return { types, nullable }
  const has = (...keys: string[]): boolean => keys.some((key) => schema[key] !== undefined)
  if (has('properties', 'required', 'additionalProperties', 'patternProperties')) return { types: ['object'], nullable }
  if (has('items', 'prefixItems', 'minItems', 'maxItems')) return { types: ['array'], nullable }
  if (has('pattern', 'minLength', 'maxLength', 'format')) return { types: ['string'], nullable }
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')) return { types: ['number'], nullable }
  return { types: [], nullable }
}

function typesOfMembers(schema: Json, members: readonly unknown[], tail: Json): Json {
  const types = [...new Set(members.map(typeOfMember))]
  const [only, another] = types
  const said = `One of: ${members.map((member) => JSON.stringify(member)).join(', ')}`
  const description = typeof schema.description === 'string' ? `${schema.description}\n${said}` : said
  const type = another === undefined ? { type: only } : { anyOf: types.map((name) => ({ type: name })) }
  return { ...type, description, ...tail }
}

function typeOfMember(member: unknown): string {
  if (typeof member === 'number') return Number.isInteger(member) ? 'integer' : 'number'
  return typeof member === 'boolean' || typeof member === 'string' ? typeof member : 'object'
}

function pick(schema: Json, keys: readonly string[]): Json {
  const found: Record<string, unknown> = {}
  for (const key of keys) if (typeof schema[key] === 'string') found[key] = schema[key]
  return found
}

const textField = (schema: Json, key: string): Json => pick(schema, [key])

const defaultOf = (schema: Json): Json =>
  schema.default === undefined || schema.default === null ? {} : { default: schema.default }

function counts(schema: Json, ...keys: readonly string[]): Json {
  const found: Record<string, unknown> = {}
  for (const key of keys) if (Number.isInteger(schema[key])) found[key] = schema[key]
  return found
}

const lengths = (schema: Json): Json => counts(schema, 'minLength', 'maxLength')

/** Exclusive bounds are the next integer, and for other numbers the bound itself, which is as near as can be said. */
function range(schema: Json, type: string): Json {
  const step = type === 'integer' ? 1 : 0
  const low = bound(schema.minimum, schema.exclusiveMinimum, step, Math.max)
  const high = bound(schema.maximum, schema.exclusiveMaximum, -step, Math.min)
  return { ...(low !== null && { minimum: low }), ...(high !== null && { maximum: high }) }
}

function bound(
  inclusive: unknown,
  exclusive: unknown,
  step: number,
  narrower: (a: number, b: number) => number,
): number | null {
  const own = typeof inclusive === 'number' ? inclusive : null
  // Draft 4: `exclusiveMinimum: true` is about `minimum`.
  if (exclusive === true) return own === null ? null : own + step
  if (typeof exclusive !== 'number') return own
  const next = step === 0 || !Number.isInteger(exclusive) ? exclusive : exclusive + step
  return own === null ? next : narrower(own, next)
}
