import type { Random } from './random.ts'
import { textTokens } from './tokens.ts'

const openings = [
  'Looking at',
  'I checked',
  'After reading',
  'The change touches',
  'There is one more thing in',
] as const
const things = [
  'the request handler',
  'the retry loop',
  'the connection pool',
  'the parser',
  'the migration',
  'the test suite',
  'the cache key',
  'the event stream',
  'the configuration',
  'the type of the result',
] as const
const findings = [
  'it closes over a value that is read too late',
  'the bound is never enforced',
  'two callers rely on the order of its keys',
  'the error loses its cause on the way up',
  'the happy path is covered and the timeout is not',
  'it works, and a comment should say why',
  'nothing releases it when the caller leaves',
  'it can be a pure function with the clock passed in',
] as const
const steps = [
  'I would start with',
  'Next I will look at',
  'It is safe to simplify',
  'Please review',
  'Let us leave',
] as const
const snippets = [
  '```ts\nexport function clamp(value: number, low: number, high: number): number {\n  return Math.min(high, Math.max(low, value))\n}\n```',
  '```sql\nselect domain, count(*) from api_requests group by 1 order by 2 desc;\n```',
  '```sh\nnpm test -- --run src/parser\n```',
] as const

/** Plausible text of an assistant at work, at least `tokens` long; the caller cuts it to measure. */
export function prose(random: Random, tokens: number): string {
  let text = ''
  let sentences = 0
  while (textTokens(text) < tokens) {
    if (sentences > 0) text += sentences % 4 === 0 ? '\n\n' : ' '
    if (sentences > 0 && sentences % 4 === 0 && random.chance(0.3)) {
      text += `${random.pick(snippets)}\n\n`
    }
    text += random.chance(0.5)
      ? `${random.pick(openings)} ${random.pick(things)}: ${random.pick(findings)}.`
      : `${random.pick(steps)} ${random.pick(things)} — ${random.pick(findings)}.`
    sentences++
  }
  return text
}

/** A few words for a title. */
export function title(random: Random): string {
  const subject = random.pick(things).replace('the ', '')
  return `${random.pick(['Fix', 'Review', 'Simplify', 'Explain', 'Test'])} ${subject}`
}

/** Cuts a text into the pieces a model would stream: one to four tokens each, blanks kept with the word they precede. */
export function pieces(text: string, random: Random): string[] {
  const words = text.match(/\s*\S{1,16}|\s+$/gu) ?? []
  const result: string[] = []
  for (let at = 0; at < words.length; ) {
    const take = random.integer(1, 3)
    result.push(words.slice(at, at + take).join(''))
    at += take
  }
  return result
}
