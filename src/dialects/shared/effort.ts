/** Effort: what a request asks for, and the nearest word that a model takes. */
import { isJson, type Json } from '../../core/messages.ts'

/** Words for effort of all providers, from low to high. `default` is Groq's only other word beside `none`. */
const ranks = ['none', 'minimal', 'low', 'medium', 'default', 'high', 'xhigh', 'max']
const rankOf = (word: string): number => ranks.indexOf(word)

/** A budget of thinking tokens as a word (a rule of ours: no provider says what its words are worth). */
const wordOfBudget = (tokens: number): string => (tokens <= 4096 ? 'low' : tokens <= 16_384 ? 'medium' : 'high')

/** What the request asks for: a word, `none` where thinking is switched off, null for the provider's own default. */
export function wantedEffort(fields: Json): { word: string | null; budget: number | null } {
  const thinking = isJson(fields.thinking) ? fields.thinking : {}
  if (thinking.type === 'disabled') return { word: 'none', budget: null }
  const effort = isJson(fields.output_config) ? fields.output_config.effort : undefined
  if (typeof effort === 'string') return { word: effort, budget: null }
  const budget = thinking.budget_tokens
  if (thinking.type === 'enabled' && typeof budget === 'number') return { word: wordOfBudget(budget), budget }
  return { word: null, budget: null }
}

/** The word itself, else the highest below it, else the lowest there is. */
export function clampEffort(word: string, accepted: readonly string[]): string | null {
  if (accepted.includes(word)) return word
  const sorted = [...accepted].sort((a, b) => rankOf(a) - rankOf(b))
  if (word === 'none') return sorted[0] ?? null
  // Who asks for little is not switched off.
  const thinking = sorted.filter((name) => name !== 'none')
  const rank = rankOf(word) < 0 ? rankOf('high') : rankOf(word)
  return thinking.findLast((name) => rankOf(name) <= rank) ?? thinking[0] ?? null
}
