/**
 * What the translation has to know of a model and its facts do not say. The generation stands in the name
 * (`gemini-2.5-flash`); a name without one (`gemini-flash-latest`) is taken for one of the newest.
 */
import type { TranslationTarget } from '../../core/dialect.ts'

const newest = 3

/** 3 for Gemini 3, 2.5 for Gemini 2.5. */
export function generationOf(target: TranslationTarget): number {
  if (target.facts.generation !== undefined) return target.facts.generation
  const named = /^(?:models\/)?gemini-(\d+(?:\.\d+)?)/.exec(target.model)?.[1]
  return named === undefined ? newest : Number(named)
}

/** Calls and results carry ids, calls carry signatures, results carry files: from Gemini 3 on. */
export const isGeneration3 = (target: TranslationTarget): boolean => generationOf(target) >= 3

/** Tokens for thinking that a model of generation 2.5 takes; `canBeOff`: 0 switches thinking off. */
export interface ThinkingBudgets {
  readonly least: number
  readonly most: number
  readonly canBeOff: boolean
}

/** As of 2026-11 (Gemini API, "Thinking", table of budgets). The first that fits the name counts. */
const budgetsByName: readonly (readonly [RegExp, ThinkingBudgets])[] = [
  [/pro/, { least: 128, most: 32_768, canBeOff: false }],
  [/flash-lite/, { least: 512, most: 24_576, canBeOff: true }],
  [/(?:)/, { least: 1, most: 24_576, canBeOff: true }],
]

export function thinkingBudgetsOf(model: string): ThinkingBudgets {
  const row = budgetsByName.find(([name]) => name.test(model))
  return row?.[1] ?? { least: 128, most: 24_576, canBeOff: false }
}

/** Words for `thinkingLevel` where the facts name none (Gemini API, "Thinking", 2026-11). */
export const thinkingLevels: readonly string[] = ['low', 'medium', 'high']
