import { isJson, type Json } from '../../core/messages.ts'
import { clampEffort, wantedEffort } from '../shared/effort.ts'
import type { Scope } from './scope.ts'

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
