/**
 * PostgreSQL array literals (`{1,NULL,2}`), one a column for a whole batch: written by hand because `pg` makes and escapes
 * every element as a string of its own.
 * Source: PostgreSQL manual, 8.15.6 "Array Input and Output Syntax".
 */
export function arrayOfNumbers<T>(items: readonly T[], get: (item: T) => number | null): string {
  let literal = '{'
  for (const item of items) {
    if (literal.length > 1) literal += ','
    literal += get(item) ?? 'NULL'
  }
  return `${literal}}`
}

export function arrayOfBooleans<T>(items: readonly T[], get: (item: T) => boolean): string {
  let literal = '{'
  for (const item of items) {
    if (literal.length > 1) literal += ','
    literal += get(item) ? 't' : 'f'
  }
  return `${literal}}`
}

/** Texts are cut to `maxLength`; NUL, which PostgreSQL can not store, becomes U+FFFD. */
export function arrayOfTexts<T>(items: readonly T[], get: (item: T) => string | null, maxLength: number): string {
  let literal = '{'
  for (const item of items) {
    if (literal.length > 1) literal += ','
    const value = get(item)
    literal += value === null ? 'NULL' : `"${escaped(value.length > maxLength ? value.slice(0, maxLength) : value)}"`
  }
  return `${literal}}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for.
const special = /["\\\u0000]/

function escaped(value: string): string {
  if (!special.test(value)) return value
  return value.replaceAll('\0', '\ufffd').replace(/["\\]/g, '\\$&')
}

/** JSON that PostgreSQL stores: it takes neither an escaped NUL nor half a surrogate pair. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  // `JSON.stringify` writes exactly these two as escapes, so the quick look decides for nearly every batch.
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('\0', '\ufffd').replace(loneSurrogate, '\ufffd') : inner,
  )
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
