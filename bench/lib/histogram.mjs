// @ts-check
// 128 buckets to each power of two: a quantile is off by at most 0.8 %.
const subBuckets = 128
const subBits = 7

/** Counts of whole microseconds in logarithmic buckets. */
export class Histogram {
  counts = new Uint32Array(40 * subBuckets)
  count = 0
  sum = 0
  max = 0

  /** @param {number} us */
  record(us) {
    const value = us < 0 ? 0 : Math.round(us)
    this.count += 1
    this.sum += value
    if (value > this.max) this.max = value
    const index = bucketOf(value)
    this.counts[index] = (this.counts[index] ?? 0) + 1
  }

  /** @param {number} q in 0..1 */
  quantile(q) {
    if (this.count === 0) return null
    const target = Math.max(1, Math.ceil(q * this.count))
    let seen = 0
    for (let index = 0; index < this.counts.length; index += 1) {
      seen += this.counts[index] ?? 0
      if (seen >= target) return Math.min(this.max, middleOf(index))
    }
    return this.max
  }

  /** @returns {Summary | null} microseconds; null where nothing was recorded */
  summary() {
    if (this.count === 0) return null
    const at = (/** @type {number} */ q) => Math.round(this.quantile(q) ?? 0)
    return {
      count: this.count,
      mean: Math.round(this.sum / this.count),
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      max: this.max,
    }
  }
}

/** @typedef {{ count: number, mean: number, p50: number, p90: number, p99: number, max: number }} Summary */

/** @param {number} value */
function bucketOf(value) {
  if (value < subBuckets) return value
  const power = Math.floor(Math.log2(value))
  return (power - subBits + 1) * subBuckets + (Math.floor(value / 2 ** (power - subBits)) - subBuckets)
}

/** @param {number} index */
function middleOf(index) {
  if (index < subBuckets) return index
  const step = 2 ** (Math.floor(index / subBuckets) - 1)
  return (subBuckets + (index % subBuckets)) * step + (step - 1) / 2
}
