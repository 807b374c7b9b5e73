import { setTimeout as wait } from 'node:timers/promises'

/** Asks again and again until the answer is neither false nor undefined; throws naming `what` when the time is over. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 90_000,
): Promise<Exclude<T, false | undefined>> {
  const endsAt = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    // The two values are excluded right here; TypeScript does not narrow a type parameter by comparison.
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
    if (performance.now() > endsAt) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await wait(20)
  }
}
