/**
 * A seeded source of numbers (sfc32 fed by FNV-1a): the same seed gives the same sequence on every machine, which is
 * what makes a simulated answer repeatable. Not for secrets.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Integer in [low, high], both included. */
  integer(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly [T, ...T[]]): T
  /** Lognormal with the given median; `sigma` is the spread of its logarithm, 0 gives the median itself. */
  logNormal(distribution: LogNormal): number
  /** Exponential with the given mean: the gaps of a Poisson process. */
  exponential(mean: number): number
  hex(length: number): string
  /** Letters and digits as in Anthropic's ids. */
  base58(length: number): string
  uuid(): string
}

export interface LogNormal {
  readonly median: number
  readonly sigma: number
}

const base58Alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

export function createRandom(seed: string): Random {
  const next = sfc32(hash32(seed, 0x811c9dc5), hash32(seed, 0x01000193), hash32(seed, 0x9e3779b9))
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  const text = (alphabet: string, length: number): string => {
    let result = ''
    for (let i = 0; i < length; i++) result += alphabet[Math.floor(next() * alphabet.length)]
    return result
  }
  const hex = (length: number): string => text('0123456789abcdef', length)
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
    logNormal: ({ median, sigma }) => median * Math.exp(sigma * gaussian(next)),
    exponential: (mean) => -Math.log(1 - next()) * mean,
    hex,
    base58: (length) => text(base58Alphabet, length),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[integer(0, 3)]}${hex(3)}-${hex(12)}`,
  }
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash32(text: string, basis: number): number {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Box-Muller; 1 - u keeps the logarithm away from zero. */
function gaussian(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** Chris Doty-Humphrey's small fast counting generator; passes PractRand. */
function sfc32(first: number, second: number, third: number): () => number {
  let a = first | 0
  let b = second | 0
  let c = third | 0
  let counter = 1
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
  // The first outputs still show the seed; its author asks for a dozen rounds.
  for (let i = 0; i < 12; i++) next()
  return next
}
