/** Reads `signalbox.yaml` into a value, the place of each part of it, and what is wrong with its keys. */
import { readFileSync, statSync } from 'node:fs'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml'
import { z } from 'zod'
import { didYouMean } from './did-you-mean.ts'
import { acceptsNull, coreOf, expectationOf, type Field, fieldsOf } from './fields.ts'
import type { Mistake } from './mistake.ts'
import type { Origin, Origins } from './origin.ts'

const maxFileBytes = 1024 * 1024

/** Reads the text of a file of settings; the reason in words where that fails. */
export function readSettingsText(file: string): { readonly text: string } | { readonly reason: string } {
  try {
    if (statSync(file).size > maxFileBytes)
      return { reason: 'is larger than 1 MB, which no file of settings should be' }
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { reason: readFailure(error) }
  }
}

/** Why a file could not be read, for people. */
export function readFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'can not be read: permission denied'
  if (code === 'EISDIR') return 'is a directory, not a file'
  return `can not be read (${String(code ?? error)})`
}

/** What stood in the file, and at which line. */
export interface ParsedSettings {
  /** Only known keys; what was wrong is in `mistakes`. */
  readonly value: Record<string, unknown>
  readonly mistakes: readonly Mistake[]
}

/** Parses the text of a file against a schema and notes the origin of every part in `origins`. */
export function parseSettings(text: string, file: string, schema: z.ZodType, origins: Origins): ParsedSettings {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const placeOf = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset)
    return { kind: 'file', file, line, column: col }
  }
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0) {
    const mistakes = broken.map((error) => ({ path: '', origin: placeOf(error.pos[0]), text: syntaxText(error) }))
    return { value: {}, mistakes }
  }
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null)) return { value: {}, mistakes: [] }
  if (!isMap(root)) {
    const text = 'The file must hold sections such as "http:", one setting a line in each.'
    return { value: {}, mistakes: [{ path: '', origin: placeOf(root.range[0]), text }] }
  }

  const mistakes: Mistake[] = []
  const fields = fieldsOf(schema)

  /** Copies what the schema knows. YAML's "nothing" is no value: a section whose lines are all comments is not a mistake. */
  const read = (node: Node | null, at: z.ZodType, path: readonly string[], aliases: number): unknown => {
    if (isAlias(node)) {
      const target = node.resolve(document)
      // An alias may stand for aliases; the depth keeps a small file from standing for a huge one.
      if (target !== undefined && aliases < 3) return read(target, at, path, aliases + 1)
      mistakes.push({ path: '', origin: placeOf(node.range?.[0] ?? 0), text: aliasText })
      return undefined
    }
    if (node === null || (isScalar(node) && node.value === null && !acceptsNull(at))) return undefined
    const origin = placeOf(node.range?.[0] ?? 0)
    origins.set(path, origin)
    const core = coreOf(at)
    if (core instanceof z.ZodObject && !isMap(node)) {
      const text = `is ${isSeq(node) ? 'a list' : 'a single value'}, but must be ${expectationOf(core)}.`
      mistakes.push({ path: path.join('.'), origin, text })
      return undefined
    }
    if (isScalar(node)) return node.value
    if (isSeq(node)) {
      const element = core instanceof z.ZodArray ? core.def.element : z.unknown()
      // The library types inner schemas by its internal interface; all of ours are made by `z.*`.
      return node.items.map((item, index) =>
        read(item as Node, element as z.ZodType, [...path, String(index)], aliases),
      )
    }
    return isMap(node) ? readMap(node.items, core, path, aliases) : undefined
  }

  const readMap = (
    pairs: readonly { key: unknown; value: unknown }[],
    core: z.ZodType,
    path: readonly string[],
    aliases: number,
  ): Record<string, unknown> => {
    const known = core instanceof z.ZodObject ? core.shape : undefined
    const each = core instanceof z.ZodRecord ? core.def.valueType : z.unknown()
    const copy: [string, unknown][] = []
    for (const pair of pairs) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const childSchema = known === undefined ? each : Object.hasOwn(known, key) ? known[key] : undefined
      if (childSchema === undefined) {
        const offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0
        const names = Object.keys(known ?? {})
        mistakes.push({
          path: [...path, key].join('.'),
          origin: placeOf(offset),
          text: unknownKeyText(key, path, names, fields),
        })
        continue
      }
      const value = read(pair.value as Node | null, childSchema as z.ZodType, [...path, key], aliases)
      if (value !== undefined) copy.push([key, value])
    }
    return Object.fromEntries(copy)
  }

  const value = readMap(root.items, coreOf(schema), [], 0)
  return { value, mistakes }
}

/** Where the key may have been meant to stand: near by, elsewhere in the file, or as an environment variable. */
function unknownKeyText(
  key: string,
  path: readonly string[],
  names: readonly string[],
  fields: readonly Field[],
): string {
  const byEnv = fields.find((field) => field.env === key)
  if (byEnv !== undefined)
    return `is not a setting: ${key} is an environment variable; in the file it is ${byEnv.path.join('.')}.`
  const near = didYouMean(key, names)
  if (near !== undefined) return `is not a setting. Did you mean ${[...path, near].join('.')}?`
  const last = (field: Field): string => field.path.at(-1) ?? ''
  const moved = didYouMean(key, fields.map(last))
  const elsewhere = fields.filter((field) => last(field) === moved).map((field) => field.path.join('.'))
  if (elsewhere.length > 0 && elsewhere.length <= 3) return `is not a setting. Did you mean ${elsewhere.join(' or ')}?`
  const place = path.length === 0 ? 'the file' : path.join('.')
  return `is not a setting. In ${place} there are: ${names.join(', ')}.`
}

const aliasText = 'A value that starts with * or & must be in quotes.'

/** Our own words for the parser's codes: some of its messages quote the file, and a line of it may be a secret. */
function syntaxText(error: YAMLError): string {
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'This key stands twice in its section; keep one.'
    case 'TAB_AS_INDENT':
      return 'A tab is used to indent; YAML takes spaces only.'
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MISSING_CHAR':
      return 'The line does not fit the ones above it: check the indentation, colons and closing quotes or brackets.'
    case 'BAD_ALIAS':
      return aliasText
    case 'TAG_RESOLVE_FAILED':
      return 'A value that starts with ! must be in quotes.'
    case 'MULTIPLE_DOCS':
      return 'The file holds several documents (a line ---); it must hold one.'
    default:
      return `This is not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')}).`
  }
}
