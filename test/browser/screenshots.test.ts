/** Pictures of every page and state, for people to look at: `SCREENSHOTS=folder npx vitest run --config vitest.browser.config.ts screenshots`. */
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { StoreError } from '../../src/store/store-error.ts'
import { troubled } from '../support/fake-database.ts'
import { launch, missingBrowser, openPage, themes } from './support/browser.ts'
import { startDashboard, type TestDashboard } from './support/dashboard.ts'
import { fill } from './support/traffic.ts'

const folder = process.env.SCREENSHOTS

describe.skipIf(missingBrowser !== null || folder === undefined)('screenshots', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  const states: readonly {
    readonly name: string
    readonly prepare: (dashboard: TestDashboard) => void
    readonly address?: string
    readonly signedIn?: boolean
    readonly act?: (page: Page, dashboard: TestDashboard) => Promise<unknown>
  }[] = [
    { name: 'sign-in', prepare: () => {}, signedIn: false },
    { name: 'overview', prepare: fill },
    { name: 'empty', prepare: () => {} },
    { name: 'filtered', prepare: fill, address: '/?status=failed&model=claude-opus-5&view=table' },
    {
      name: 'drawer',
      prepare: fill,
      act: (page) => page.getByRole('table', { name: 'Finished calls' }).getByRole('link').first().click(),
    },
    {
      name: 'drawer-failed',
      prepare: fill,
      address: '/?status=failed',
      act: (page) => page.getByRole('table', { name: 'Finished calls' }).getByRole('link').first().click(),
    },
    {
      name: 'database-away',
      prepare: (dashboard) => {
        dashboard.ledger.failure = new StoreError('unavailable', 'away')
      },
    },
    {
      name: 'disconnected',
      prepare: fill,
      act: async (page, dashboard) => {
        dashboard.cutOff()
        await page.getByText('Disconnected').waitFor()
        await page.waitForTimeout(3000)
      },
    },
    { name: 'database', prepare: fill, address: '/database' },
    { name: 'database-troubled', prepare: (dashboard) => troubled(dashboard.database), address: '/database' },
    {
      name: 'database-gone',
      prepare: (dashboard) => {
        dashboard.database.failure = new StoreError('unavailable', 'away')
      },
      address: '/database',
    },
    { name: 'database-loading', prepare: (dashboard) => void dashboard.hold(), address: '/database' },
    { name: 'loading', prepare: (dashboard) => void dashboard.hold() },
  ]
  for (const theme of themes)
    for (const width of [320, 1440])
      test.for(states)(`$name ${theme} ${width}`, async ({ name, prepare, address = '/', signedIn = true, act }) => {
        const dashboard = await startDashboard()
        prepare(dashboard)
        const { page, context } = await openPage(browser, dashboard.url + address, { theme, width, signedIn })
        await page.waitForTimeout(1200)
        await act?.(page, dashboard)
        await page.waitForTimeout(600)
        await page.screenshot({ path: path.join(folder ?? '', `${name}-${theme}-${width}.png`), fullPage: true })
        await context.close()
        await dashboard.close()
      })
})
