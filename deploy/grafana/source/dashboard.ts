/**
 * Dashboards as Grafana imports and provisions them, from plain lists of panels. `npx vitest run
 * test/deploy/dashboards.test.ts -u` writes deploy/grafana/dashboards/ anew.
 */

export interface Query {
  readonly expr: string
  readonly legend?: string
}

export type GrafanaUnit =
  | 'short'
  | 'reqps'
  | 's'
  | 'ms'
  | 'bytes'
  | 'Bps'
  | 'percentunit'
  | 'currencyUSD'
  | 'd'
  | 'dateTimeFromNow'
  | 'bool_on_off'

export interface Panel {
  readonly title: string
  readonly description?: string
  readonly kind: 'timeseries' | 'stat' | 'table' | 'bargauge' | 'piechart'
  readonly unit: GrafanaUnit
  readonly queries: readonly Query[]
  /** Of 24 columns; 12 where it is left out. */
  readonly width?: number
  readonly stacked?: boolean
  /** Why an instance in good health may have nothing to show here. */
  readonly mayBeEmpty?: string
}

export interface Dashboard {
  /** Stands in its address in Grafana, so it stays. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly panels: readonly Panel[]
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable.
const datasource = { type: 'prometheus', uid: '${datasource}' } as const

/** The file of a dashboard: no `id`, and its data source is a variable, so that any Grafana takes it as it is. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): string {
  const model = {
    uid,
    title,
    description,
    tags: ['signalbox'],
    schemaVersion: 38,
    version: 1,
    editable: true,
    timezone: 'browser',
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    graphTooltip: 1,
    links: [{ type: 'dashboards', title: 'Signalbox', tags: ['signalbox'], asDropdown: true, keepTime: true }],
    annotations: { list: [] },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', hide: 0, current: {} },
      ],
    },
    panels: placed(panels),
  }
  return `${JSON.stringify(model, null, 2)}\n`
}

/** Panels from left to right, in rows as high as their highest. */
function placed(panels: readonly Panel[]): readonly object[] {
  let x = 0
  let y = 0
  let rowHeight = 0
  return panels.map((panel, index) => {
    const w = panel.width ?? 12
    const h = panel.kind === 'stat' ? 4 : 8
    if (x + w > 24) {
      x = 0
      y += rowHeight
      rowHeight = 0
    }
    const gridPos = { x, y, w, h }
    x += w
    rowHeight = Math.max(rowHeight, h)
    return renderPanel(panel, index + 1, gridPos)
  })
}

function renderPanel(panel: Panel, id: number, gridPos: object): object {
  const { title, description, kind, unit, queries, stacked = false } = panel
  const isGraph = kind === 'timeseries'
  return {
    id,
    title,
    ...(description === undefined ? {} : { description }),
    type: kind,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: unit === 'dateTimeFromNow' ? undefined : 0,
        custom: isGraph
          ? {
              drawStyle: 'line',
              fillOpacity: stacked ? 30 : 8,
              lineWidth: 1,
              stacking: { mode: stacked ? 'normal' : 'none' },
            }
          : {},
      },
      overrides: [],
    },
    options: optionsOf(kind),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend ?? '__auto',
      editorMode: 'code',
      range: isGraph,
      instant: !isGraph,
      ...(kind === 'table' ? { format: 'table' } : {}),
    })),
  }
}

function optionsOf(kind: Panel['kind']): object {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false }
  switch (kind) {
    case 'timeseries':
      return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
    case 'stat':
      return { reduceOptions, colorMode: 'value', graphMode: 'area', textMode: 'auto' }
    case 'bargauge':
      return { reduceOptions, orientation: 'horizontal', displayMode: 'basic' }
    case 'piechart':
      return { reduceOptions, legend: { displayMode: 'list', placement: 'right' } }
    case 'table':
      return { showHeader: true }
  }
}
