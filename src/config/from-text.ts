import type { Kind } from './fields.ts'

/** The value or, in words that follow "must be", what would be right. */
export type FromText = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

const failed: FromText = { ok: false }
const value = (it: unknown): FromText => ({ ok: true, value: it })

/**
 * Turns the text of an environment variable or a flag into what its setting takes. The schema still judges the result:
 * this decides only between number, boolean, list and text, by the type of the setting and never by the look of the text.
 */
export function fromText(text: string, kind: Kind): FromText {
  switch (kind.type) {
    case 'text':
      return value(text)
    case 'number':
      return /^[+-]?(\d+(\.\d+)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? value(Number(text)) : failed
    case 'boolean':
      if (/^(true|1)$/i.test(text)) return value(true)
      return /^(false|0)$/i.test(text) ? value(false) : failed
    case 'list': {
      const items = text.split(',').map((item) => fromText(item.trim(), kind.of))
      return items.every((item) => item.ok) ? value(items.map((item) => (item.ok ? item.value : undefined))) : failed
    }
    case 'either': {
      // Text takes anything, so it comes last whatever its place in the schema.
      const strictest = [...kind.kinds].sort((a, b) => Number(a.type === 'text') - Number(b.type === 'text'))
      return strictest.map((one) => fromText(text, one)).find((one) => one.ok) ?? failed
    }
    case 'structure':
      return fromJson(text)
  }
}

function fromJson(text: string): FromText {
  try {
    return value(JSON.parse(text))
  } catch {
    return failed // Not JSON: the caller says what the setting takes.
  }
}
