/** JSON schemas without `$ref` and `allOf`: what both ways of the translation read. */
import { isJson, type Json } from '../../core/messages.ts'

/** A schema at one place, and the references that led there: one of those again would never end. */
export interface Flat {
  readonly schema: Json
  readonly refs: ReadonlySet<string>
}

/** Steps that are left for all schemas of a request: references inside references can multiply without end. */
export interface Steps {
  left: number
}

export const stepLimit = 20_000
const depthLimit = 64

/** Why a schema was cut: told once, in bounded words. */
export type Cut = 'recursion' | 'unknown_ref' | 'too_large'

export class FlatSchemas {
  readonly #root: Json
  readonly #steps: Steps
  readonly #onCut: (cut: Cut) => void

  constructor(root: Json, steps: Steps, onCut: (cut: Cut) => void = () => {}) {
    this.#root = root
    this.#steps = steps
    this.#onCut = onCut
  }

  /** The schema with its references and `allOf` put in. Recursion, and what is too large, ends in a plain object. */
  flatten(node: Json, refs: ReadonlySet<string>, depth: number): Flat {
    if (this.#steps.left <= 0 || depth > depthLimit) return this.#cut('too_large', refs)
    this.#steps.left -= 1
    const named = this.#dereference(node, refs)
    if (!Array.isArray(named.schema.allOf)) return named
    const { allOf, ...own } = named.schema
    let known: ReadonlySet<string> = named.refs
    let merged: Json = {}
    for (const part of named.schema.allOf) {
      if (!isJson(part)) continue
      const flat = this.flatten(part, named.refs, depth + 1)
      if (flat.refs !== known) known = new Set([...known, ...flat.refs])
      merged = mergeSchemas(merged, flat.schema)
    }
    return { schema: mergeSchemas(merged, own), refs: known }
  }

  #dereference(node: Json, refs: ReadonlySet<string>): Flat {
    let schema = node
    let seen = refs
    while (typeof schema.$ref === 'string') {
      const { $ref: ref, ...own } = schema as Json & { $ref: string } // by the loop's condition
      if (seen.has(ref)) return this.#cut('recursion', seen)
      const found = resolvePointer(this.#root, ref)
      if (isJson(found)) seen = new Set(seen).add(ref)
      else this.#onCut('unknown_ref')
      schema = isJson(found) ? mergeSchemas(found, own) : own
    }
    return { schema, refs: seen }
  }

  #cut(cut: Cut, refs: ReadonlySet<string>): Flat {
    this.#onCut(cut)
    return { schema: { type: 'object' }, refs }
  }
}

/** A JSON pointer within the same schema (RFC 6901, section 6); undefined for all other addresses. */
function resolvePointer(root: Json, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined
  let found: unknown = root
  for (const token of ref.slice(1).split('/').slice(1)) {
    const name = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) found = found[Number(name)]
    else found = isJson(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }
  return found
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token // A percent sign that is one.
  }
}

const least: ReadonlySet<string> = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const most: ReadonlySet<string> = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])

/** Both at once. Where they cannot be joined, `over` counts: it stands nearer to the place that is described. */
export function mergeSchemas(base: Json, over: Json): Json {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over))
    merged[key] = Object.hasOwn(base, key) ? mergeValues(key, base[key], value) : value
  return merged
}

function mergeValues(key: string, base: unknown, over: unknown): unknown {
  if (key === 'properties' && isJson(base) && isJson(over)) return mergeProperties(base, over)
  if (key === 'items' && isJson(base) && isJson(over)) return { allOf: [base, over] }
  if (key === 'required' && Array.isArray(base) && Array.isArray(over)) return [...new Set([...base, ...over])]
  if (key === 'enum' && Array.isArray(base) && Array.isArray(over)) {
    const words = new Set(base.map((member) => JSON.stringify(member)))
    return over.filter((member) => words.has(JSON.stringify(member)))
  }
  if (typeof base === 'number' && typeof over === 'number') {
    if (least.has(key)) return Math.max(base, over)
    if (most.has(key)) return Math.min(base, over)
  }
  if (key === 'type' && base === 'integer' && over === 'number') return base
  return over
}

function mergeProperties(base: Json, over: Json): Json {
  const both = (name: string): unknown =>
    isJson(base[name]) && isJson(over[name]) ? { allOf: [base[name], over[name]] } : over[name]
  return Object.fromEntries([
    ...Object.entries(base),
    ...Object.keys(over).map((name) => [name, Object.hasOwn(base, name) ? both(name) : over[name]]),
  ])
}
