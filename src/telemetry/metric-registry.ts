/**
 * Registration of the catalogue with prom-client, and the limit on series: whatever callers send, a process never holds
 * more than `seriesLimit` of them. Families hand out children bound to their labels; keep a child where it is used often.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { MetricRow } from './catalogue/row.ts'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  metricCatalogue,
  metricNames,
} from './metric-catalogue.ts'

/** prom-client slows down and stores swell with series; 5,000 a process is what a scrape of 50 ms allows. */
export const seriesLimit = 5000

export interface CounterChild {
  /** Adds; what is not a positive finite number is ignored, since a counter must not go down. */
  add(value: number): void
  /** Follows a total kept elsewhere, which starts at 0 again when its owner restarts. */
  follow(total: number): void
}

export interface GaugeChild {
  set(value: number): void
}

export interface HistogramChild {
  observe(value: number): void
}

type Labels = Readonly<Record<string, string>>

/** The children of one metric. Past the series limit every new combination shares the child of all `other`. */
class Family<Child> {
  readonly #children = new Map<string, Child>()
  readonly #names: readonly string[]
  readonly #make: (labels: Labels) => Child
  readonly #admit: () => boolean

  constructor(names: readonly string[], admit: () => boolean, make: (labels: Labels) => Child) {
    this.#names = names
    this.#admit = admit
    this.#make = make
  }

  child(labels: Labels): Child {
    const key = this.#names.map((name) => labels[name] ?? 'none').join('\u0000')
    const known = this.#children.get(key)
    if (known !== undefined) return known
    if (!this.#admit()) return this.#overflow()
    return this.#keep(key, labels)
  }

  /** One child a metric is reserved for it, so it needs no leave. */
  #overflow(): Child {
    const key = this.#names.map(() => 'other').join('\u0000')
    return this.#children.get(key) ?? this.#keep(key, Object.fromEntries(this.#names.map((name) => [name, 'other'])))
  }

  #keep(key: string, labels: Labels): Child {
    const child = this.#make(Object.fromEntries(this.#names.map((name) => [name, labels[name] ?? 'none'])))
    this.#children.set(key, child)
    return child
  }
}

/** The families of the catalogue, each with a bound on its series. */
export class MetricRegistry {
  readonly prometheus = new Registry()
  readonly #families = new Map<MetricName, Family<unknown>>()
  readonly #hooks: (() => void | Promise<void>)[] = []
  readonly #limit: number
  readonly #reserved: number
  readonly #onCollectError: (error: unknown) => void
  #used = 0
  #refused = 0

  constructor(options: { limit?: number; onCollectError?: (error: unknown) => void } = {}) {
    this.#limit = options.limit ?? seriesLimit
    this.#onCollectError = options.onCollectError ?? (() => {})
    this.#reserved = metricNames.reduce((sum, name) => sum + seriesPerChild(metricCatalogue[name]), 0)
  }

  counter<Name extends CounterName>(name: Name): { child(labels: LabelsOf<Name>): CounterChild } {
    return this.#family(name, (row, labelNames) => {
      const metric = new Counter({ name, help: row.help, labelNames, registers: [this.prometheus] })
      return (labels) => counterChild(metric.labels(labels))
    })
  }

  gauge<Name extends GaugeName>(name: Name): { child(labels: LabelsOf<Name>): GaugeChild } {
    return this.#family(name, (row, labelNames) => {
      const metric = new Gauge({
        name,
        help: row.help,
        labelNames,
        aggregator: row.merge ?? 'sum',
        registers: [this.prometheus],
      })
      // The library makes the series of a metric without labels at once.
      if (row.late === true) metric.remove()
      return (labels) => {
        const child = metric.labels(labels)
        child.set(0)
        return { set: (value: number) => child.set(Number.isFinite(value) ? value : 0) }
      }
    })
  }

  histogram<Name extends HistogramName>(name: Name): { child(labels: LabelsOf<Name>): HistogramChild } {
    return this.#family(name, (row, labelNames) => {
      const buckets = [...(row.buckets ?? [])]
      const metric = new Histogram({ name, help: row.help, labelNames, buckets, registers: [this.prometheus] })
      return (labels) => {
        metric.zero(labels)
        const child = metric.labels(labels)
        return { observe: (value: number) => (value >= 0 && value < Infinity ? child.observe(value) : undefined) }
      }
    })
  }

  /** Runs before each exposition. A hook that fails is told of and skipped: a scrape must not fail with it. */
  onScrape(hook: () => void | Promise<void>): void {
    this.#hooks.push(hook)
  }

  async collect(): Promise<void> {
    for (const hook of this.#hooks) {
      try {
        await hook()
      } catch (error) {
        this.#onCollectError(error)
      }
    }
  }

  /** Times a series had to be the one of all `other` because there is no room for more. */
  get refusedSeries(): number {
    return this.#refused
  }

  get seriesCount(): number {
    return this.#used
  }

  #family<Name extends MetricName, Child>(
    name: Name,
    register: (row: MetricRow, labelNames: string[]) => (labels: Labels) => Child,
  ): { child(labels: LabelsOf<Name>): Child } {
    const known = this.#families.get(name)
    // A name is registered by the method of its kind alone, so the children are of this kind.
    if (known !== undefined) return known as unknown as { child(labels: LabelsOf<Name>): Child }
    const row: MetricRow = metricCatalogue[name]
    const labelNames = Object.keys(row.labels)
    const size = seriesPerChild(row)
    const make = register(row, labelNames)
    const family = new Family(
      labelNames,
      () => {
        if (this.#used + size + this.#reserved <= this.#limit) return true
        this.#refused += 1
        return false
      },
      (labels) => {
        this.#used += size
        return make(labels)
      },
    )
    this.#families.set(name, family)
    // A metric without labels is there from the start, at 0.
    if (labelNames.length === 0 && row.late !== true) family.child({})
    // The row's own label types are narrower than the strings a family keeps.
    return family as unknown as { child(labels: LabelsOf<Name>): Child }
  }
}

/** A histogram has a series a bucket, `+Inf`, its sum and its count. */
function seriesPerChild(row: MetricRow): number {
  return row.kind === 'histogram' ? (row.buckets?.length ?? 0) + 3 : 1
}

function counterChild(counter: { inc(value?: number): void }): CounterChild {
  let followed = 0
  counter.inc(0)
  const add = (value: number): void => {
    if (value > 0 && value < Infinity) counter.inc(value)
  }
  return {
    add,
    follow(total) {
      add(total >= followed ? total - followed : total)
      followed = total
    },
  }
}
