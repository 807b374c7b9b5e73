/** Choices that look random and are repeated by their seed. */
export interface Chance {
  readonly seed: number
  /** From 0 to 1, without 1. */
  next(): number
  whole(from: number, below: number): number
  pick<T>(list: readonly [T, ...T[]]): T
  seedOfAnother(): number
}

export function chance(seed: number): Chance {
  let state = seed >>> 0
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (from: number, below: number): number => from + Math.floor(next() * (below - from))
  return {
    seed,
    next,
    whole,
    pick: (list) => list[whole(0, list.length)] ?? list[0],
    seedOfAnother: () => whole(1, 2 ** 31),
  }
}

const longer = Number(process.env.TORTURE_SECONDS ?? 0)

/** Seconds of torture: `usual`, or longer on request (`npm run test:torture:long`). */
export const seconds = (usual: number): number => Math.max(usual, longer)
/** The same for things that are counted. */
export const times = (usual: number): number => (longer > 0 ? Math.max(usual, Math.ceil((usual * longer) / 30)) : usual)

/** Milliseconds that a test may take; busy machines are slow. */
export const limit = (usual: number): number => usual + longer * 4_000

const fixed = Number(process.env.TORTURE_SEED ?? Number.NaN)

/** A new seed for each run, or the one asked for by `TORTURE_SEED`; printed, because a failure is repeated with it. */
export function newChance(what: string): Chance {
  const seed = Number.isNaN(fixed) ? Math.floor(Math.random() * 2 ** 31) : fixed
  console.info(`${what}: TORTURE_SEED=${seed}`)
  return chance(seed)
}
