import { AggregatorRegistry } from 'prom-client'
import type { MetricsJson } from './exposition.ts'

/**
 * The metrics of processes that come and go. A total must not fall because its process ended, or did not answer in time:
 * whoever scrapes would take it for a new beginning and count all that is left once more.
 */
export class WorkerTotals {
  readonly #last = new Map<number, MetricsJson>()
  #ended: readonly MetricsJson[] = []
  #summing: Promise<void> = Promise.resolve()

  /** What a process that lives sent just now. */
  heard(id: number, metrics: MetricsJson): void {
    this.#last.set(id, metrics)
  }

  /** A process has ended: its totals stay as it told them last, its states go with it. Resolves once they are summed up. */
  ended(id: number): Promise<void> {
    const last = this.#last.get(id)
    if (last === undefined) return this.#summing
    this.#last.delete(id)
    this.#ended = [...this.#ended, totalsOf(last)]
    this.#summing = this.#summing.then(() => this.#sumUp())
    return this.#summing
  }

  /** However many processes have ended, what they leave is of one size. */
  async #sumUp(): Promise<void> {
    const parts = this.#ended
    const sum = await AggregatorRegistry.aggregate(parts.map((metrics) => [...metrics])).getMetricsAsJSON()
    // prom-client types this by its own classes; it is plain data of this shape.
    this.#ended = [sum as unknown as MetricsJson, ...this.#ended.slice(parts.length)]
  }

  /** All there is to merge; of those that are not in `answered` only the totals, as they told them last. */
  all(answered: ReadonlySet<number>): readonly MetricsJson[] {
    const living = [...this.#last].map(([id, metrics]) => (answered.has(id) ? metrics : totalsOf(metrics)))
    return [...living, ...this.#ended]
  }
}

const totalsOf = (metrics: MetricsJson): MetricsJson => metrics.filter(({ type }) => type !== 'gauge')
