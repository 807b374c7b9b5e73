/** One answer for many viewers: equal questions within a moment, or while one is under way, reach the database once. */
import type { Clock } from '../core/clock.ts'

const keptMs = 1000
const answersLimit = 500

export interface SharedAnswers {
  /**
   * `key` must say everything the answer depends on. It is kept for a second, or for `keptForMs`. A failure is shared by
   * those who wait for it and then forgotten.
   */
  share<Answer>(key: string, ask: () => Promise<Answer>, keptForMs?: number): Promise<Answer>
}

export function createSharedAnswers(clock: Clock): SharedAnswers {
  const answers = new Map<string, { readonly answer: Promise<unknown>; settledAt: number | null }>()
  return {
    share<Answer>(key: string, ask: () => Promise<Answer>, keptForMs = keptMs): Promise<Answer> {
      const found = answers.get(key)
      const fresh = found !== undefined && (found.settledAt === null || clock.monotonic() - found.settledAt < keptForMs)
      // What lies under a key was put there by the same question, so it has the question's type.
      if (fresh) return found.answer as Promise<Answer>
      const answer = ask()
      const entry: { readonly answer: Promise<unknown>; settledAt: number | null } = { answer, settledAt: null }
      answers.delete(key)
      const oldest = answers.keys().next()
      if (answers.size >= answersLimit && !oldest.done) answers.delete(oldest.value)
      answers.set(key, entry)
      answer.then(
        () => {
          entry.settledAt = clock.monotonic()
        },
        () => {
          if (answers.get(key) === entry) answers.delete(key)
        },
      )
      return answer
    },
  }
}
