/** Edits between two words: insert, drop, replace, or swap of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) best = Math.min(best, at(beforeLast, column - 2) + 1)
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

const at = (numbers: readonly number[], index: number): number => numbers[index] ?? Number.POSITIVE_INFINITY

/** `proxy_port`, `proxy-port` and `ProxyPort` are the same word to someone who mistypes it. */
const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, '')

/** The candidate nearest to a mistyped word; undefined where none is near enough to be meant. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  // A long word is cut so that a hostile file can not buy much work with it.
  const typed = plain(word.slice(0, 100))
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    const distance = editDistance(typed, plain(candidate))
    const limit = Math.max(1, Math.floor(candidate.length / 3))
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}
