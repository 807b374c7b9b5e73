/** Reads a zod schema as a list of settings: what the loader, the printer and the generated page all need to know. */
import { z } from 'zod'

/** What a setting takes, as far as text from outside has to be turned into it. */
export type Kind =
  | { readonly type: 'text' }
  | { readonly type: 'number' }
  | { readonly type: 'boolean' }
  | { readonly type: 'list'; readonly of: Kind }
  | { readonly type: 'either'; readonly kinds: readonly Kind[] }
  | { readonly type: 'structure' }

/** One setting, as documentation, loading and printing see it. */
export interface Field {
  /** Segments of the path; `*` stands for a name of the user's choice, `[]` for a place in a list. */
  readonly path: readonly string[]
  readonly schema: z.ZodType
  readonly kind: Kind
  /** In words, to follow "must be": `a whole number from 1 to 65535`. */
  readonly expects: string
  readonly description: string
  readonly env: string | undefined
  readonly secret: boolean
  /** The value before any transformation; undefined where there is none. */
  readonly defaultValue: unknown
}

interface Meta {
  readonly description: string
  readonly env: string | undefined
  readonly secret: boolean
  readonly defaultValue: unknown
}

/** zod types inner schemas by their internal interface; every schema made by `z.*` is a `ZodType`. */
const asType = (inner: unknown): z.ZodType => inner as z.ZodType

/** One layer off a wrapper (default, optional, nullable, transform, …); undefined for a schema that wraps nothing. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodNonOptional
  ) {
    return asType(schema.def.innerType)
  }
  // Of a transformation the left side is what a user writes, unless it is a preprocessing step.
  if (schema instanceof z.ZodPipe) {
    return asType(schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in)
  }
  return undefined
}

/** The schema under all wrappers. */
export function coreOf(schema: z.ZodType): z.ZodType {
  let current = schema
  for (let inner = innerOf(current); inner !== undefined; inner = innerOf(current)) current = inner
  return current
}

/** Whether the setting may be null. */
export function acceptsNull(schema: z.ZodType): boolean {
  return schema.safeParse(null).success
}

/** Notes may sit on any layer, since `.default()` after `.describe()` makes a new schema; the outermost one wins. */
function metaOf(schema: z.ZodType): Meta {
  let description: string | undefined
  let env: string | undefined
  let secret = false
  let defaultValue: unknown
  for (let layer: z.ZodType | undefined = schema; layer !== undefined; layer = innerOf(layer)) {
    const meta = layer.meta()
    description ??= layer.description
    if (typeof meta?.env === 'string') env ??= meta.env
    if (meta?.secret === true) secret = true
    if (layer instanceof z.ZodDefault || layer instanceof z.ZodPrefault) defaultValue ??= layer.def.defaultValue
  }
  return { description: description ?? '', env, secret, defaultValue }
}

/** The description of a whole section. */
export function descriptionOf(schema: z.ZodType): string {
  return metaOf(schema).description
}

/** Every setting of a schema, in the order of its declaration. */
export function fieldsOf(schema: z.ZodType, path: readonly string[] = []): readonly Field[] {
  const core = coreOf(schema)
  const meta = metaOf(schema)
  if (core instanceof z.ZodObject && meta.env === undefined) {
    return Object.entries(core.shape).flatMap(([key, child]) => fieldsOf(asType(child), [...path, key]))
  }
  const self: Field = { path, schema, kind: kindOf(schema), expects: expectationOf(schema), ...meta }
  // A list or a choice of names holding sections is a setting of its own, followed by those of its sections.
  if (core instanceof z.ZodRecord && coreOf(asType(core.def.valueType)) instanceof z.ZodObject) {
    return [self, ...fieldsOf(asType(core.def.valueType), [...path, '*'])]
  }
  if (core instanceof z.ZodArray && coreOf(asType(core.def.element)) instanceof z.ZodObject) {
    return [self, ...fieldsOf(asType(core.def.element), [...path, '[]'])]
  }
  return [self]
}

export function kindOf(schema: z.ZodType): Kind {
  const core = coreOf(schema)
  if (core instanceof z.ZodNumber) return { type: 'number' }
  if (core instanceof z.ZodBoolean) return { type: 'boolean' }
  if (core instanceof z.ZodArray) return { type: 'list', of: kindOf(asType(core.def.element)) }
  if (core instanceof z.ZodUnion) {
    return { type: 'either', kinds: core.def.options.map((option) => kindOf(asType(option))) }
  }
  if (core instanceof z.ZodLiteral) {
    const kinds = [...core.def.values].map((value): Kind => {
      if (typeof value === 'number') return { type: 'number' }
      return typeof value === 'boolean' ? { type: 'boolean' } : { type: 'text' }
    })
    return kinds.length === 1 && kinds[0] !== undefined ? kinds[0] : { type: 'either', kinds }
  }
  if (core instanceof z.ZodObject || core instanceof z.ZodRecord) return { type: 'structure' }
  return { type: 'text' }
}

/** What a schema takes, in words that follow "must be". */
export function expectationOf(schema: z.ZodType): string {
  const core = coreOf(schema)
  if (core instanceof z.ZodNumber) return numberExpectation(core)
  if (core instanceof z.ZodBoolean) return 'true or false'
  if (core instanceof z.ZodEnum) return oneOf(core.options)
  if (core instanceof z.ZodLiteral) return oneOf([...core.def.values])
  if (core instanceof z.ZodArray) return listExpectation(core)
  if (core instanceof z.ZodUnion) {
    return [...new Set(core.def.options.map((option) => expectationOf(asType(option))))].join(', or ')
  }
  if (core instanceof z.ZodObject) return `a section (${Object.keys(core.shape).join(', ')})`
  if (core instanceof z.ZodRecord) return `a section of names, each ${expectationOf(asType(core.def.valueType))}`
  if (core instanceof z.ZodURL) return 'a URL such as https://example.com'
  if (core instanceof z.ZodISODate) return 'a day such as 2026-01-31'
  if (core instanceof z.ZodString) return stringExpectation(core)
  return 'text'
}

function listExpectation(schema: z.ZodArray): string {
  const element = asType(schema.def.element)
  return `a list, each item ${expectationOf(element)}`
}

function oneOf(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value))
  return shown.length === 1 ? shown.join() : `one of ${shown.join(', ')}`
}

function numberExpectation(schema: z.ZodNumber): string {
  const noun = schema.format === 'safeint' || schema.format === 'int32' ? 'a whole number' : 'a number'
  const { minValue, maxValue } = schema
  const from = minValue === null || minValue <= Number.MIN_SAFE_INTEGER ? undefined : minValue
  const to = maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER ? undefined : maxValue
  // `positive()` excludes its limit; the bounds alone do not tell it from `min(0)`.
  const above = from !== undefined && !passesBounds(schema, from) ? 'above' : undefined
  if (above !== undefined) return `${noun} above ${from}${to === undefined ? '' : ` and at most ${to}`}`
  if (from !== undefined && to !== undefined) return `${noun} from ${from} to ${to}`
  if (from !== undefined) return `${noun} of at least ${from}`
  return to === undefined ? noun : `${noun} of at most ${to}`
}

const passesBounds = (schema: z.ZodNumber, value: number): boolean =>
  schema.safeParse(value).error?.issues.every((issue) => issue.code !== 'too_small') ?? true

function stringExpectation(schema: z.ZodString): string {
  const { minLength, maxLength } = schema
  if (minLength !== null && minLength > 1 && maxLength !== null)
    return `text of ${minLength} to ${maxLength} characters`
  if (minLength !== null && minLength > 1) return `text of at least ${minLength} characters`
  if (maxLength !== null) return `text of at most ${maxLength} characters`
  return 'text'
}
