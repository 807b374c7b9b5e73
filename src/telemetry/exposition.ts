import { AggregatorRegistry, type Registry } from 'prom-client'
import type { MetricRow } from './catalogue/row.ts'
import { metricCatalogue, metricNames } from './metric-catalogue.ts'
import type { MetricRegistry } from './metric-registry.ts'

/** Of the Prometheus text format; answers that depend on `Accept` carry `Vary: Accept` beside it. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** The metrics of one process as plain JSON, to be sent to the process that is scraped. */
export type MetricsJson = readonly MetricJson[]

interface MetricJson {
  readonly name: string
  readonly values: readonly MetricJsonValue[]
  readonly [field: string]: unknown
}

interface MetricJsonValue {
  readonly labels: Readonly<Record<string, string | number>>
  readonly [field: string]: unknown
}

/** For the process that adds up those of all workers. */
export async function metricsJson(registry: MetricRegistry): Promise<MetricsJson> {
  await registry.collect()
  return jsonOf(registry.prometheus)
}

/**
 * The exposition of this process and of `others`. Metrics that several processes hold are merged as the catalogue says.
 * `redacted` shows no domain and no account: their series become one each, with the label value `redacted`.
 */
export async function renderExposition(
  registry: MetricRegistry,
  form: { readonly redacted: boolean },
  others: readonly MetricsJson[] = [],
): Promise<string> {
  await registry.collect()
  const shared = new Set(others.flatMap((metrics) => metrics.map((metric) => metric.name)))
  const rewritten = (name: string): boolean => shared.has(name) || (form.redacted && privateLabels(name).length > 0)
  // Only what is rewritten goes the long way over JSON; it costs four times as much.
  const own = await jsonOf(subset(registry.prometheus, rewritten))
  const merged = AggregatorRegistry.aggregate(
    [own, ...others].map((metrics) => (form.redacted ? metrics.map(redact) : [...metrics])),
  )
  const parts: string[] = []
  for (const name of metricNames) {
    const source = rewritten(name) ? merged : registry.prometheus
    if (source.getSingleMetric(name) !== undefined) parts.push(await source.getSingleMetricAsString(name))
  }
  return `${parts.join('\n')}\n`
}

interface JsonSource {
  getMetricsAsJSON(): Promise<unknown>
}

async function jsonOf(source: JsonSource): Promise<MetricsJson> {
  // prom-client types this by its own classes; it is plain data of this shape.
  return (await source.getMetricsAsJSON()) as MetricsJson
}

function subset(registry: Registry, wanted: (name: string) => boolean): JsonSource {
  const metrics = registry.getMetricsAsArray().flatMap((metric) => {
    const found = wanted(metric.name) ? registry.getSingleMetric(metric.name) : undefined
    return found === undefined ? [] : [found]
  })
  return { getMetricsAsJSON: () => Promise.all(metrics.map((metric) => metric.get())) }
}

function privateLabels(name: string): readonly string[] {
  const rows: Readonly<Record<string, MetricRow>> = metricCatalogue
  return Object.hasOwn(rows, name) ? (rows[name]?.private ?? []) : []
}

function redact(metric: MetricJson): MetricJson {
  const hidden = privateLabels(metric.name)
  if (hidden.length === 0) return metric
  const mask = Object.fromEntries(hidden.map((label) => [label, 'redacted']))
  return { ...metric, values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, ...mask } })) }
}
