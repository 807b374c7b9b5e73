import { isJson, type Json } from '../../core/messages.ts'
import type { Scope } from './scope.ts'

/** Words for effort of all providers, from low to high. `default` is Groq's only other word beside `none`. */
const ranks = ['none', 'minimal', 'low', 'medium', 'default', 'high', 'xhigh', 'max']
const rankOf = (word: string): number => ranks.indexOf(word)

/** A budget of thinking tokens as a word (a rule of ours: no provider says what its words are worth). */
const wordOfBudget = (tokens: number): string => (tokens <= 4096 ? 'low' : tokens <= 16_384 ? 'medium' : 'high')

/** What the request asks for: a word, `none` where thinking is switched off, null for the provider's own default. */
function wantedEffort(fields: Json): { word: string | null; budget: number | null } {
  const thinking = isJson(fields.thinking) ? fields.thinking : {}
  if (thinking.type === 'disabled') return { word: 'none', budget: null }
  const effort = isJson(fields.output_config) ? fields.output_config.effort : undefined
  if (typeof effort === 'string') return { word: effort, budget: null }
  const budget = thinking.budget_tokens
  if (thinking.type === 'enabled' && typeof budget === 'number') return { word: wordOfBudget(budget), budget }
  return { word: null, budget: null }
}

/** The word that is sent, or null for none. A model that knows no word is sent none. */
export function effortOf(scope: Scope): string | null {
  const { word } = wantedEffort(scope.request.fields)
  if (word === null) return null
  if (word === 'none' && scope.quirks.effort === 'thinking') return null // The switch says it.
  const accepted = scope.target.facts.efforts ?? scope.quirks.efforts
  const chosen = clampEffort(word, accepted)
  if (chosen === null) scope.notes.add(word === 'none' ? 'thinking' : 'effort', 'dropped')
  else if (chosen !== word) scope.notes.add(word === 'none' ? 'thinking' : 'effort', 'clamped')
  return chosen
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

/** The fields that carry effort in the provider's form. */
export function effortFields(scope: Scope, effort: string | null): Record<string, unknown> {
  const { fields } = scope.request
  switch (scope.quirks.effort) {
    case 'none':
      return {}
    case 'reasoning_effort':
      return effort === null ? {} : { reasoning_effort: effort }
    case 'reasoning': {
      const { budget } = wantedEffort(fields)
      if (budget !== null && effort !== null) return { reasoning: { max_tokens: budget } }
      return effort === null ? {} : { reasoning: { effort } }
    }
    case 'thinking':
      return thinkingSwitch(fields, effort)
  }
}

/** DeepSeek switches thinking by a field of its own; effort is beside it, for models that know words. */
function thinkingSwitch(fields: Json, effort: string | null): Record<string, unknown> {
  const type = isJson(fields.thinking) ? fields.thinking.type : undefined
  const word = effort === null || effort === 'none' ? {} : { reasoning_effort: effort }
  if (type === 'disabled') return { thinking: { type: 'disabled' } }
  return type === 'enabled' ? { thinking: { type: 'enabled' }, ...word } : word
}
