/** Statements as they may be shown: their literals could be prompts, keys or passwords. */

const shownLength = 600

const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const number = /(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y
const parameter = /\$\d+/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const space = /\s+/y
const lineComment = /--[^\n\r]*/y

/**
 * The text of a statement with `?` for each literal, without comments, in one line, shortened. What can not be read
 * with certainty (a literal whose end was cut off, a backslash that may or may not escape a quote) ends the text there:
 * better too little than a secret.
 */
export function withoutLiterals(sql: string): string {
  let out = ''
  let at = 0
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    const found = pattern.exec(sql)?.[0] ?? null
    if (found !== null) at += found.length
    return found
  }
  while (at < sql.length && out.length <= shownLength) {
    const found = take(space) ?? take(lineComment)
    if (found !== null) {
      if (!out.endsWith(' ')) out += ' '
      continue
    }
    if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at)
      if (!out.endsWith(' ')) out += ' '
      continue
    }
    const character = sql[at] ?? ''
    if (character === "'") {
      const end = endOfString(sql, at, prefixOf(out))
      out = `${withoutPrefix(out)}?`
      if (end === null) return `${shorten(out)} …`
      at = end
      continue
    }
    if (character === '"') {
      const end = endOfQuoted(sql, at)
      if (end === null) return `${shorten(out)} …`
      out += sql.slice(at, end)
      at = end
      continue
    }
    if (character === '$') {
      const known = take(parameter)
      if (known !== null) {
        out += known
        continue
      }
      const tag = take(dollarTag)
      if (tag !== null) {
        const end = sql.indexOf(tag, at)
        out += '?'
        if (end < 0) return `${shorten(out)} …`
        at = end + tag.length
        continue
      }
    }
    const name = take(word)
    if (name !== null) {
      out += name
      continue
    }
    if (take(number) !== null) {
      out += '?'
      continue
    }
    out += character
    at += 1
  }
  const shown = shorten(out)
  return at < sql.length ? `${shown} …` : shown
}

/** The name that Signalbox gave its statement (see run-named.ts); null for statements of others. */
export function nameOfStatement(sql: string): string | null {
  return /^\s*\w+ \/\* ([\w-]{1,60}) \*\//.exec(sql)?.[1] ?? null
}

function shorten(text: string): string {
  const line = text.trim()
  return line.length <= shownLength ? line : `${line.slice(0, shownLength)} …`
}

/** Comments nest in PostgreSQL. One without an end takes the rest. */
function endOfComment(sql: string, start: number): number {
  let depth = 0
  for (let at = start; at < sql.length; at++) {
    if (sql.startsWith('/*', at)) {
      depth += 1
      at += 1
    } else if (sql.startsWith('*/', at)) {
      depth -= 1
      at += 1
      if (depth === 0) return at + 1
    }
  }
  return sql.length
}

/** The letter before a quote that makes another kind of literal of it: E'…', B'…', X'…', N'…', U&'…'. */
const prefix = /(?:^|[^\w$\u0080-\uffff"])([EeBbXxNn]|[Uu]&)$/

const prefixOf = (out: string): string => prefix.exec(out)?.[1] ?? ''

function withoutPrefix(out: string): string {
  const found = prefixOf(out)
  return found === '' ? out : out.slice(0, -found.length)
}

/** The place after the closing quote; null where that is not certain. */
function endOfString(sql: string, start: number, before: string): number | null {
  const escapes = before === 'E' || before === 'e'
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] === '\\') {
      // Whether a backslash escapes the quote after it in a plain string depends on a setting of that session.
      if (!escapes && /^\\+'/.test(sql.slice(at))) return null
      if (escapes) at += 1
      continue
    }
    if (sql[at] !== "'") continue
    if (sql[at + 1] !== "'") return at + 1
    at += 1
  }
  return null
}

function endOfQuoted(sql: string, start: number): number | null {
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] !== '"') continue
    if (sql[at + 1] !== '"') return at + 1
    at += 1
  }
  return null
}
