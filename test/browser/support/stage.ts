import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { launch, type Opened, openPage } from './browser.ts'
import { startDashboard, type TestDashboard } from './dashboard.ts'

/** A browser for the tests of a block, and for each of them a dashboard and at most one page at a time. */
export interface Stage {
  readonly dashboard: TestDashboard
  /** The page that was opened last; undefined before the first. */
  readonly opened: Opened | undefined
  /** An address of the dashboard, with its slash. */
  open(address: string, options?: Parameters<typeof openPage>[2]): Promise<Page>
}

/** Call it in a `describe`; `prepare` comes before each test. */
export function stage(prepare: (dashboard: TestDashboard) => void = () => undefined): Stage {
  let browser: Browser
  let dashboard: TestDashboard
  let opened: Opened | undefined

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    dashboard = await startDashboard()
    prepare(dashboard)
  })
  afterEach(async () => {
    await opened?.context.close()
    opened = undefined
    await dashboard.close()
  })

  return {
    get dashboard() {
      return dashboard
    },
    get opened() {
      return opened
    },
    async open(address, options = {}) {
      opened = await openPage(browser, dashboard.url + address, options)
      return opened.page
    },
  }
}
