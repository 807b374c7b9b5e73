import { Secret } from '../core/secret.ts'
import { type Field, fieldsOf } from './fields.ts'
import type { Loaded } from './load.ts'
import { withoutPassword } from './mistake.ts'
import { describeOrigin } from './origin.ts'
import { configSchema } from './schema.ts'

/** The settings in effect as a file of settings that could be used as one, secrets masked, each with its origin. */
export function renderEffectiveConfig(
  loaded: Pick<Loaded<object>, 'config' | 'origins'>,
  schema = configSchema,
): string {
  const fields = fieldsOf(schema)
  const lines: { text: string; note: string }[] = []

  const visit = (value: unknown, path: readonly string[]): void => {
    const key = path.at(-1) ?? ''
    const indent = '  '.repeat(path.length - 1)
    if (isSection(value) && !isField(fields, path)) {
      lines.push({ text: `${indent}${key}:`, note: '' })
      for (const [child, inner] of childrenOf(value, path, fields)) visit(inner, [...path, child])
      return
    }
    const note = describeOrigin(loaded.origins.of(path))
    const shown = value === undefined ? undefined : shownValue(value, isSecretField(fields, path))
    // An unset setting is a comment, so that the text stays a file that loads.
    lines.push(
      shown === undefined
        ? { text: `${indent}# ${key}:`, note: 'not set' }
        : { text: `${indent}${key}: ${shown}`, note },
    )
  }
  for (const [key, value] of childrenOf(loaded.config, [], fields)) visit(value, [key])

  const width = Math.min(60, Math.max(...lines.map((line) => line.text.length)))
  return `${lines.map(({ text, note }) => (note === '' ? text : `${text.padEnd(width)}  # ${note}`)).join('\n')}\n`
}

/** The children in the order of the schema, those without a value included; what no field names comes last. */
function childrenOf(section: object, path: readonly string[], fields: readonly Field[]): readonly [string, unknown][] {
  const values = new Map<string, unknown>(Object.entries(section))
  const declared = fields
    .filter((field) => field.path.length > path.length && path.every((part, index) => field.path[index] === part))
    .map((field) => field.path[path.length] ?? '')
    .filter((name) => name !== '*' && name !== '[]')
  return [...new Set([...declared, ...values.keys()])].map((name) => [name, values.get(name)])
}

const isField = (fields: readonly Field[], path: readonly string[]): boolean =>
  fields.some((field) => field.path.join('.') === path.join('.') && field.kind.type !== 'structure')

const isSecretField = (fields: readonly Field[], path: readonly string[]): boolean =>
  fields.some((field) => field.secret && field.path.join('.') === path.join('.'))

const isSection = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret)

function shownValue(value: unknown, secret: boolean): string {
  if (secret || value instanceof Secret) return "'[secret]'"
  // JSON is YAML; secrets inside lists mask themselves by their toJSON.
  return JSON.stringify(typeof value === 'string' ? withoutPassword(value) : value)
}
