/** Sums up the sources of settings: defaults < file < environment < flags; everything wrong is told at once. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { didYouMean } from './did-you-mean.ts'
import { coreOf, type Field, fieldsOf } from './fields.ts'
import { fromText } from './from-text.ts'
import { ConfigError, describeIssue, type Mistake, showValue } from './mistake.ts'
import { type Origin, Origins } from './origin.ts'
import { parseSettings, readFailure, readSettingsText } from './settings-file.ts'

/** A flag of the command line that sets one setting: `{ flag: '--host', path: 'http.host', value: '0.0.0.0' }`. */
export interface FlagValue {
  readonly flag: string
  readonly path: string
  readonly value: string
}

/** Where settings come from, given by the caller: nothing is read from the process here. */
export interface Sources {
  /** The working directory: relative paths start here, and `signalbox.yaml` is looked for here. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The value of `--config`; it must exist, while the default file need not. */
  readonly file?: string | undefined
  readonly flags?: readonly FlagValue[]
}

/** A configuration, and where each of its values came from. */
export interface Loaded<T> {
  readonly config: T
  readonly origins: Origins
  /** Things that are no mistake but hardly meant, in whole sentences. */
  readonly warnings: readonly string[]
  /** The file that was read, as it was named; null where there is none. */
  readonly file: string | null
}

/** A rule about several settings; it sees a config that is right field by field, and the origins to choose whom to blame. */
export type Rule<T> = (config: T, origins: Origins) => readonly { readonly path: string; readonly text: string }[]

/** Looked for in the working directory. */
export const defaultFileName = 'signalbox.yaml'
const fileVariable = 'SIGNALBOX_CONFIG'
const maxSecretBytes = 64 * 1024

/** Loads settings against any schema; throws `ConfigError`. */
export function load<S extends z.ZodType>(
  schema: S,
  sources: Sources,
  rules: readonly Rule<z.output<S>>[] = [],
): Loaded<z.output<S>> {
  const origins = new Origins()
  const fields = fieldsOf(schema)
  const fromFile = readFile(schema, sources, origins)
  const mistakes: Mistake[] = [...fromFile.mistakes]
  const raw = fromFile.value

  for (const one of [...environmentValues(fields, sources), ...flagValues(fields, sources)]) {
    if ('text' in one) {
      mistakes.push(one)
      continue
    }
    put(raw, one.field.path, one.value)
    origins.replace(one.field.path, one.origin)
  }

  const parsed = schema.safeParse(raw)
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      mistakes.push(...describeIssues(issue, { schema, fields, raw, origins, mistakes }))
  }
  if (parsed.success) {
    const broken = rules.flatMap((rule) => rule(parsed.data, origins))
    // A setting that could not be read has its default here, which a rule must not judge.
    const judged = broken.filter((one) => !mistakes.some((known) => known.path === one.path))
    mistakes.push(...judged.map((one) => ({ ...one, origin: origins.nearest(one.path.split('.')) })))
  }
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(inReadingOrder(mistakes))
  return { config: parsed.data, origins, warnings: warningsOf(fields, sources), file: fromFile.file }
}

/** Those of the file from top to bottom, then the others. */
function inReadingOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  const place = ({ origin }: Mistake): number =>
    origin.kind === 'file' ? origin.line * 10_000 + Math.min(origin.column, 9_999) : Number.MAX_SAFE_INTEGER
  return [...mistakes].sort((a, b) => place(a) - place(b))
}

interface FromFile {
  readonly file: string | null
  readonly value: Record<string, unknown>
  readonly mistakes: readonly Mistake[]
}

function readFile(schema: z.ZodType, sources: Sources, origins: Origins): FromFile {
  const fromEnv = sources.env[fileVariable]?.trim() || undefined
  const named = sources.file ?? fromEnv
  const file = named ?? defaultFileName
  const absolute = path.resolve(sources.cwd, file)
  if (named === undefined && statSync(absolute, { throwIfNoEntry: false }) === undefined)
    return { file: null, value: {}, mistakes: [] }
  const read = readSettingsText(absolute)
  if ('text' in read) return { file, ...parseSettings(read.text, file, schema, origins) }
  const origin: Origin =
    sources.file !== undefined
      ? { kind: 'flag', name: '--config' }
      : named !== undefined
        ? { kind: 'environment', name: fileVariable }
        : { kind: 'default' }
  return { file, value: {}, mistakes: [{ path: '', origin, text: `The file of settings ${absolute} ${read.reason}.` }] }
}

type Given = { readonly field: Field; readonly value: unknown; readonly origin: Origin } | Mistake

function environmentValues(fields: readonly Field[], sources: Sources): readonly Given[] {
  return fields.flatMap((field): Given[] => {
    if (field.env === undefined) return []
    const text = sources.env[field.env]?.trim() ?? ''
    const fileName = field.secret ? (sources.env[`${field.env}_FILE`]?.trim() ?? '') : ''
    // An empty variable is an unset one: compose files and unit files can not express the difference.
    if (fileName !== '') return [secretFromFile(field, field.env, fileName, text !== '', sources.cwd)]
    return text === '' ? [] : [given(field, text, { kind: 'environment', name: field.env })]
  })
}

function flagValues(fields: readonly Field[], sources: Sources): readonly Given[] {
  return (sources.flags ?? []).map(({ flag, path: at, value }): Given => {
    const origin: Origin = { kind: 'flag', name: flag }
    const field = fields.find((one) => one.path.join('.') === at)
    if (field !== undefined) return given(field, value.trim(), origin)
    const near = didYouMean(
      at,
      fields.map((one) => one.path.join('.')),
    )
    return { path: at, origin, text: `is not a setting.${near === undefined ? '' : ` Did you mean ${near}?`}` }
  })
}

function given(field: Field, text: string, origin: Origin): Given {
  const read = fromText(text, field.kind)
  if (read.ok) return { field, value: read.value, origin }
  return { path: field.path.join('.'), origin, text: `is ${showValue(text, field)}, but must be ${field.expects}.` }
}

function secretFromFile(field: Field, env: string, file: string, alsoPlain: boolean, cwd: string): Given {
  const name = `${env}_FILE`
  const at = field.path.join('.')
  const origin: Origin = { kind: 'environment', name }
  if (alsoPlain) return { path: at, origin, text: `is set twice: by ${env} and by ${name}. Keep one of them.` }
  const absolute = path.resolve(cwd, file)
  try {
    if (statSync(absolute).size > maxSecretBytes)
      return { path: at, origin, text: `can not be read: ${absolute} is larger than 64 KB.` }
    const text = readFileSync(absolute, 'utf8').trim()
    if (text === '') return { path: at, origin, text: `can not be read: ${absolute} is empty.` }
    return given(field, text, { kind: 'secret-file', name, file: absolute })
  } catch (error) {
    return { path: at, origin, text: `can not be read: ${absolute} ${readFailure(error)}.` }
  }
}

/** Sets a value inside, making the sections on the way. */
function put(root: Record<string, unknown>, at: readonly string[], value: unknown): void {
  const [head, ...rest] = at
  if (head === undefined) return
  if (rest.length === 0) {
    root[head] = value
    return
  }
  const inner = root[head] ?? {}
  root[head] = inner
  if (isSection(inner)) put(inner, rest, value) // Always: the file's sections were checked while reading it.
}

const isSection = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function valueAt(root: unknown, at: readonly string[]): unknown {
  return at.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner)) return inner[Number(key)]
    return isSection(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined
  }, root)
}

/** The schema at a path; undefined where the path leaves it. */
function schemaAt(schema: z.ZodType, at: readonly string[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const key of at) {
    const core: z.ZodType | undefined = current && coreOf(current)
    // Inner schemas are typed by the library's internal interface; ours are all made by `z.*`.
    if (core instanceof z.ZodObject) current = core.shape[key] as z.ZodType | undefined
    else if (core instanceof z.ZodRecord) current = core.def.valueType as z.ZodType
    else if (core instanceof z.ZodArray) current = core.def.element as z.ZodType
    else return undefined
  }
  return current
}

interface Found {
  readonly schema: z.ZodType
  readonly fields: readonly Field[]
  readonly raw: unknown
  readonly origins: Origins
  readonly mistakes: readonly Mistake[]
}

function describeIssues(issue: z.core.$ZodIssue, found: Found): readonly Mistake[] {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    // Keys of the file were judged while reading it; what is left came as JSON from an environment variable.
    return issue.keys
      .map((key) => ({ path: [...at, key].join('.'), origin: found.origins.nearest(at), text: 'is not a setting.' }))
      .filter((mistake) => !found.mistakes.some((known) => known.path === mistake.path))
  }
  const name = at.join('.')
  // A source that could not be read leaves a hole; the hole is not a second mistake.
  if (found.mistakes.some((known) => known.path === name)) return []
  const field = found.fields.findLast((one) => matches(one.path, at))
  const text = describeIssue(issue, schemaAt(found.schema, at) ?? found.schema, field, valueAt(found.raw, at))
  return [{ path: name, origin: found.origins.nearest(at), text }]
}

/** Whether the setting is the one at the path, or the one (a list, say) that the path leads into. */
function matches(pattern: readonly string[], at: readonly string[]): boolean {
  return (
    pattern.length <= at.length && pattern.every((part, index) => part === '*' || part === '[]' || part === at[index])
  )
}

function warningsOf(fields: readonly Field[], { env, cwd }: Sources): readonly string[] {
  const known = [
    fileVariable,
    ...fields.flatMap((field) =>
      field.env === undefined ? [] : [field.env, ...(field.secret ? [`${field.env}_FILE`] : [])],
    ),
  ]
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('SIGNALBOX_') && !known.includes(name) && env[name] !== '')
    .map((name) => {
      const near = didYouMean(name, known) ?? didYouMean(name.slice('SIGNALBOX_'.length), known)
      return `The environment variable ${name} is not a setting and has no effect.${near === undefined ? '' : ` Did you mean ${near}?`}`
    })
  const other = path.join(cwd, 'signalbox.yml')
  if (statSync(other, { throwIfNoEntry: false }) !== undefined) {
    warnings.push(`${other} is not read: the file of settings is named ${defaultFileName}.`)
  }
  return warnings
}
