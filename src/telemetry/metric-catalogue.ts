/** Every metric of Signalbox, in the order of the exposition. Registration and docs/metrics.md derive from it. */
import { processRows } from './catalogue/process-rows.ts'
import { providerRows } from './catalogue/provider-rows.ts'
import { quotaRows } from './catalogue/quota-rows.ts'
import type { LabelValues, MetricRow } from './catalogue/row.ts'
import { seedRows } from './catalogue/seed-rows.ts'
import { settingsRows } from './catalogue/settings-rows.ts'
import { storageRows } from './catalogue/storage-rows.ts'
import { trafficRows } from './catalogue/traffic-rows.ts'

export const metricGroups = {
  'Names from the monitoring guides': seedRows,
  'Requests, upstream, latency, tokens and money': { ...trafficRows, ...providerRows },
  'Limits of accounts': quotaRows,
  'Journal, ledger and database': storageRows,
  'Processes, log and metrics': { ...processRows, ...settingsRows },
} as const satisfies Record<string, Record<string, MetricRow>>

export const metricCatalogue = {
  ...seedRows,
  ...trafficRows,
  ...providerRows,
  ...quotaRows,
  ...storageRows,
  ...processRows,
  ...settingsRows,
} as const satisfies Record<string, MetricRow>

type Catalogue = typeof metricCatalogue
export type MetricName = keyof Catalogue
type NameOf<Kind extends MetricRow['kind']> = {
  [Name in MetricName]: Catalogue[Name]['kind'] extends Kind ? Name : never
}[MetricName]
export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>
/** The labels that a series of the metric is made with. */
export type LabelsOf<Name extends MetricName> = LabelValues<Catalogue[Name]['labels']>

// The catalogue is the list of its own keys; Object.keys alone forgets it.
export const metricNames = Object.keys(metricCatalogue) as readonly MetricName[]
