import { BoundedLabel } from './bounded-label.ts'
import { statuses } from './catalogue/row.ts'
import type { MetricRegistry } from './metric-registry.ts'

export interface LabelCaps {
  readonly domainLabels: number
  readonly modelLabels: number
}

// These sets are the operator's or the code's own, so their caps are a guard and not a setting.
const providerCap = 32
const queryCap = 50
const flagCap = 16
const reasonCap = 16
const noteCap = 60

/** The open label sets of one process, each with its cap, and every overflow counted. */
export interface MetricLabels {
  domain(raw: string): string
  provider(raw: string | null): string
  /** The label of what answered, else of what was asked for; `other` unless known, `none` where the call has no model. */
  model(providerLabel: string, answered: string | null, requested: string | null): string
  query(raw: string): string
  flag(raw: string): string
  reason(raw: string): string
  note(raw: string): string
  providers(): readonly string[]
}

export function createMetricLabels(
  registry: MetricRegistry,
  caps: LabelCaps,
  isKnownModel: (model: string) => boolean,
): MetricLabels {
  const overflow = registry.counter('signalbox_label_overflow_total')
  const bounded = (
    label: 'domain' | 'provider' | 'model' | 'query' | 'flag' | 'reason' | 'note',
    cap: number,
  ): BoundedLabel => {
    const child = overflow.child({ label })
    return new BoundedLabel(cap, () => child.add(1))
  }
  const domain = bounded('domain', caps.domainLabels)
  const provider = bounded('provider', providerCap)
  // What costs is the pair: each has dozens of series. So pairs are capped, not models.
  const pair = bounded('model', caps.modelLabels)
  const query = bounded('query', queryCap)
  const flag = bounded('flag', flagCap)
  const reason = bounded('reason', reasonCap)
  const note = bounded('note', noteCap)
  return {
    domain: (raw) => domain.value(raw === '' ? 'none' : raw),
    provider: (raw) => (raw === null || raw === '' ? 'none' : provider.value(raw)),
    model(providerLabel, answered, requested) {
      if (answered === null && requested === null) return 'none'
      const known = [answered, requested].find((name) => name !== null && isKnownModel(name))
      if (known === undefined || known === null) return 'other'
      return pair.value(`${providerLabel}\u0000${known}`) === 'other' ? 'other' : known
    },
    query: (raw) => query.value(raw),
    flag: (raw) => flag.value(raw),
    reason: (raw) => reason.value(raw),
    note: (raw) => note.value(raw),
    providers: () => provider.values(),
  }
}

type Status = (typeof statuses)[number]
const knownStatuses = new Map<string, Status>(statuses.map((status) => [status, status]))

/** The label of a status: itself if it is told apart, else the first of its class, else `other`. */
export function statusLabel(status: number): Status {
  return knownStatuses.get(String(status)) ?? knownStatuses.get(`${Math.floor(status / 100)}00`) ?? 'other'
}
