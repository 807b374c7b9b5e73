import type { GrafanaUnit, Panel, Query } from './dashboard.ts'

type Extra = Pick<Panel, 'description' | 'width' | 'stacked' | 'mayBeEmpty'>

export const graph = (title: string, unit: GrafanaUnit, queries: readonly Query[], extra: Extra = {}): Panel => ({
  kind: 'timeseries',
  title,
  unit,
  queries,
  ...extra,
})
export const stat = (title: string, unit: GrafanaUnit, expr: string, extra: Extra = {}): Panel => ({
  kind: 'stat',
  title,
  unit,
  queries: [{ expr }],
  width: 6,
  ...extra,
})
/** Something by name as it stands now: a table, bars or a pie. */
export const list = (
  kind: 'table' | 'bargauge' | 'piechart',
  title: string,
  unit: GrafanaUnit,
  query: Query,
  extra: Extra = {},
): Panel => ({ kind, title, unit, queries: [query], ...extra })

/** A graph's rate of a counter, summed by labels. */
export const rate = (metric: string, by = ''): string =>
  by === '' ? `sum(rate(${metric}[$__rate_interval]))` : `sum by (${by}) (rate(${metric}[$__rate_interval]))`

/** Percentiles of a histogram, each a line. */
export const quantiles = (metric: string, selector = '', by = '', of = [0.5, 0.95, 0.99]): readonly Query[] =>
  of.map((q) => ({
    expr: `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${metric}_bucket${selector}[$__rate_interval])))`,
    legend: `p${q * 100}${by === '' ? '' : ` {{${by}}}`}`,
  }))
