import { isJson } from '../../core/messages.ts'
import { clampEffort, wantedEffort } from '../shared/effort.ts'
import { generationOf, thinkingBudgetsOf, thinkingLevels } from './models.ts'
import type { Scope } from './scope.ts'

/** `thinkingConfig`: a level from Gemini 3 on, tokens for 2.5, nothing for models that do not think. */
export function thinkingConfig(scope: Scope): Record<string, unknown> {
  const { request, target } = scope
  if (generationOf(target) < 2.5 || target.facts.efforts?.length === 0) {
    noteUnknown(scope)
    return {}
  }
  const { thinking } = request.fields
  const isOn = isJson(thinking) && (thinking.type === 'enabled' || thinking.type === 'adaptive')
  const config = {
    ...(scope.isGeneration3 ? level(scope) : budget(scope)),
    // Thoughts come only where they are asked for; the state behind them comes anyway.
    ...(isOn && thinking.display !== 'omitted' && { includeThoughts: true }),
  }
  return Object.keys(config).length === 0 ? {} : { thinkingConfig: config }
}

function noteUnknown({ request, notes }: Scope): void {
  const { word } = wantedEffort(request.fields)
  if (word !== null && word !== 'none') notes.add('effort', 'dropped')
}

/** Gemini 3 cannot be told not to think: the lowest level is the nearest. */
function level({ request, target, notes }: Scope): Record<string, unknown> {
  const { word } = wantedEffort(request.fields)
  if (word === null) return {}
  const thinkingLevel = clampEffort(word, target.facts.efforts ?? thinkingLevels)
  if (thinkingLevel === null || thinkingLevel === 'none') return {}
  if (thinkingLevel !== word) notes.add(word === 'none' ? 'thinking' : 'effort', 'clamped')
  return { thinkingLevel }
}

/** What words are worth, as the upper ends of the ranges that make a budget a word. */
const budgetOfWord: Readonly<Record<string, number>> = { minimal: 1024, low: 4096, medium: 16_384 }

function budget({ request, target, notes }: Scope): Record<string, unknown> {
  const { word, budget: wanted } = wantedEffort(request.fields)
  if (word === null) return {}
  const { least, most, canBeOff } = thinkingBudgetsOf(target.model)
  if (word === 'none') {
    if (canBeOff) return { thinkingBudget: 0 }
    notes.add('thinking', 'clamped')
    return { thinkingBudget: least }
  }
  const tokens = wanted ?? budgetOfWord[word] ?? most
  const thinkingBudget = Math.min(Math.max(Math.round(tokens), least), most)
  if (thinkingBudget !== tokens) notes.add('thinking.budget_tokens', 'clamped')
  return { thinkingBudget }
}
