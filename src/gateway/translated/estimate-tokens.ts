/**
 * What a request will count, before its provider has said so: one walk over the bytes, with no parsing and no tokenizer.
 * Prose, code, numbers and scripts each count by what tokenizers of 2026 make of them (calibrated against OpenAI's o200k on
 * the prose, code and tool schemas of agents: within a tenth on whole requests); pictures count as pictures, not as text.
 */

/** Most models take a picture for about this, whatever its bytes. */
const imageTokens = 1_500
/** Base64 characters of a PDF for a token: a page of text is some 3,000 of them in the usual files, and more with pictures. */
const pdfCharactersPerToken = 40
/** Longer strings without a blank are data. */
const dataStringBytes = 2_000

const quote = 0x22
const backslash = 0x5c

/** Letters that tokenizers keep together, on average; in bytes, which fits Cyrillic and Chinese too. */
const lettersPerToken = 6.2
const digitsPerToken = 2.6
const marksPerToken = 1.7

/** At least 1. An estimate, and shown as one wherever it is kept. */
export function estimateTokens(body: Buffer): number {
  let tokens = 0
  let at = body.indexOf(quote)
  while (at >= 0 && at < body.length) {
    const start = at + 1
    const end = endOfString(body, start)
    // A name before a colon is the format's, or a parameter's: the latter count, and about as much as the former add.
    const isData = end - start > dataStringBytes && !hasBlank(body, start)
    tokens += isData ? dataTokens(body, start, end) : textTokens(body, start, end)
    at = body.indexOf(quote, end + 1)
  }
  return Math.max(1, Math.ceil(tokens))
}

function endOfString(body: Buffer, start: number): number {
  for (let at = start; ; ) {
    const end = body.indexOf(quote, at)
    if (end < 0) return body.length
    let slashes = 0
    while (body[end - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return end
    at = end + 1
  }
}

function hasBlank(body: Buffer, start: number): boolean {
  for (let at = start; at < start + dataStringBytes; at++) {
    const byte = body[at] ?? 0
    if (byte <= 0x20 || byte === backslash || byte >= 0x80) return true
  }
  return false
}

function dataTokens(body: Buffer, start: number, end: number): number {
  const isPdf = body.toString('latin1', start, start + 6) === 'JVBERi'
  return isPdf ? (end - start) / pdfCharactersPerToken : imageTokens
}

type Kind = 0 | 1 | 2 | 3
const blank = 0
const letter = 1
const digit = 2
const mark = 3
const kinds = Uint8Array.from({ length: 256 }, (_, byte): Kind => {
  if (byte <= 0x20) return blank
  if (byte >= 0x30 && byte <= 0x39) return digit
  return byte >= 0x80 || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) ? letter : mark
})
const perToken = [Number.POSITIVE_INFINITY, lettersPerToken, digitsPerToken, marksPerToken]

/** Runs of one kind, each at least a token; a line's end and its indent are one. */
function textTokens(body: Buffer, start: number, end: number): number {
  let tokens = 0
  let run = 0
  let kind = -1
  for (let at = start; at < end; at++) {
    let now = kinds[body[at] as number] as number // in range by the loop's bound
    if (body[at] === backslash) {
      at++
      const escaped = body[at]
      // \n and \t are blanks, a line's end being a token; \u and four digits a character; others stand for themselves.
      if (escaped === 0x6e) tokens += kind === blank ? 0 : 0.8
      now = escaped === 0x6e || escaped === 0x74 || escaped === 0x72 ? blank : escaped === 0x75 ? letter : mark
      if (escaped === 0x75) at += 4
    }
    if (now === kind) {
      run++
      continue
    }
    tokens += tokensOfRun(kind, run)
    kind = now
    run = 1
  }
  return tokens + tokensOfRun(kind, run)
}

function tokensOfRun(kind: number, run: number): number {
  if (kind <= blank) return run > 8 ? 0.5 : 0
  return Math.max(1, run / (perToken[kind] as number)) // one of the kinds
}
