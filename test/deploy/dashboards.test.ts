// The dashboards that ship are what their source says, and fit for import as they are.
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderDashboard } from '../../deploy/grafana/source/dashboard.ts'
import { dashboards } from '../../deploy/grafana/source/dashboards.ts'
import { unknownIn } from './rules.ts'

const scraped = new Set(['scrape_duration_seconds'])

test.each(dashboards)('$title is written down', async (dashboard) => {
  await expect(renderDashboard(dashboard)).toMatchFileSnapshot(`../../deploy/grafana/dashboards/${dashboard.uid}.json`)
})

test('no other dashboard lies beside them', () => {
  expect(readdirSync('deploy/grafana/dashboards').sort()).toEqual(dashboards.map(({ uid }) => `${uid}.json`).sort())
})

describe.each(dashboards)('$title', (dashboard) => {
  test('asks only for metrics and labels of the catalogue', () => {
    const exprs = dashboard.panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))
    expect(exprs.flatMap((expr) => unknownIn(expr, scraped))).toEqual([])
  })

  test('can be imported without edits', () => {
    const model = JSON.parse(renderDashboard(dashboard))
    // A dashboard with an id is refused by an import, one with a fixed data source shows nothing elsewhere.
    expect(model.id).toBeUndefined()
    expect(model.uid.length).toBeLessThanOrEqual(40)
    expect(model.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
    expect(new Set(model.panels.map((panel: { id: number }) => panel.id)).size).toBe(model.panels.length)
    for (const panel of model.panels) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable.
      for (const target of panel.targets) expect(target.datasource.uid).toBe('${datasource}')
    }
  })
})
