import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { uuidv7 } from '../../src/core/ids.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { openedExchange } from '../support/exchanges.ts'
import { expectAccessible, expectNoSidewaysScroll, missingBrowser, type openPage, themes } from './support/browser.ts'
import { stage } from './support/stage.ts'
import { createDice, fill, finishedCall, overloaded } from './support/traffic.ts'

describe.skipIf(missingBrowser !== null)('overview', () => {
  const on = stage()

  async function open(address = '/', options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
    return on.open(address, options)
  }
  const calls = (page: Page) => page.getByRole('table', { name: 'Finished calls' })
  const rows = (page: Page) => calls(page).getByRole('link')
  const isLive = (page: Page) => page.getByRole('status').filter({ hasText: 'Live' }).waitFor()

  /** A call that ends now, told to the hub and the ledger as the office does. */
  function finish(rest: Parameters<typeof finishedCall>[2] = {}) {
    const call = finishedCall(Date.now() - 900, createDice(3), {
      durationMs: 900,
      closedAt: Date.now(),
      outcome: 'ok',
      statusCode: 200,
      errorType: null,
      ...rest,
    })
    on.dashboard.ledger.add(call)
    on.dashboard.hub.exchangeClosed(call)
    return call
  }

  test('shows the figures, the open calls and the finished ones, and the browser has nothing to complain of', async () => {
    fill(on.dashboard)
    const page = await open()
    await rows(page).first().waitFor()
    const figures = page.getByRole('list', { name: 'Main figures' })
    for (const name of ['Requests a minute', 'Errors', 'First token, p95', 'Total time, p95', 'Spend', 'Cache hits'])
      await figures.getByText(name).waitFor()
    const line = page.getByRole('region', { name: 'On the line' })
    await expect.poll(() => line.getByRole('listitem').count()).toBe(5)
    await page.getByText('5 open').waitFor()
    expect(on.opened?.complaints).toEqual([])
  })

  test('a call appears while it is open and again when it is finished, by itself, and the figures follow', async () => {
    const page = await open()
    await isLive(page)
    const id = uuidv7(Date.now())
    on.dashboard.hub.exchangeOpened(
      openedExchange({ id, openedAt: Date.now(), requestedModel: 'claude-live-test', domain: 'billing' }),
    )
    const line = page.getByRole('region', { name: 'On the line' })
    await line.getByText('claude-live-test').waitFor({ timeout: 2000 })
    finish({ id, model: 'claude-live-test', costUsd: 0.0793 })
    await calls(page).getByText('claude-live-test').first().waitFor({ timeout: 2000 })
    await line.getByText('No call is open right now.').waitFor()
    await page.getByRole('list', { name: 'Main figures' }).getByText('$0.0793').waitFor({ timeout: 5000 })
  })

  test('a new installation shows the line to paste, and the page once the first call has come', async () => {
    const page = await open()
    const guide = page.getByRole('region', { name: 'Send the first call through' })
    await guide.getByText('export ANTHROPIC_BASE_URL=http://127.0.0.1:3000').waitFor()
    await guide.getByRole('button', { name: 'Copy the line for Claude Code' }).waitFor()
    finish()
    await rows(page).first().waitFor({ timeout: 4000 })
    expect(await guide.count()).toBe(0)
  })

  test('a dashboard without a proxy says so; one that listens everywhere is named as it was reached', async () => {
    on.dashboard.setup.proxyUrl = null
    const page = await open()
    await page.getByText('export ANTHROPIC_BASE_URL=http://PROXY:3000').waitFor()
    await page.getByText('put in the address of the one that callers reach').waitFor()
    await on.opened?.context.close()
    on.dashboard.setup.proxyUrl = 'http://0.0.0.0:3456'
    const other = await open()
    await other.getByText('export ANTHROPIC_BASE_URL=http://127.0.0.1:3456').waitFor()
  })

  test('asks for a client key where the installation wants one', async () => {
    on.dashboard.setup.clientKeyRequired = true
    const page = await open()
    await page.getByText('export ANTHROPIC_AUTH_TOKEN=sbx_…').waitFor()
  })

  test('paused, nothing moves and what came meanwhile is counted; resumed, it is there', async () => {
    finish()
    const page = await open()
    await rows(page).first().waitFor()
    await isLive(page)
    await page.getByRole('button', { name: 'Pause' }).click()
    for (let number = 0; number < 14; number++) finish({ model: 'claude-while-paused' })
    await page.getByText('paused, 14 new').waitFor()
    expect(await rows(page).count()).toBe(1)
    await page.getByRole('button', { name: 'Resume' }).click()
    await expect.poll(() => rows(page).count()).toBe(15)
  })

  test('filters are in the address, survive a reload, and can be taken off', async () => {
    finish()
    finish({ ...overloaded, model: 'claude-haiku-4-5' })
    const page = await open()
    await rows(page).first().waitFor()
    await page.getByRole('radio', { name: 'Failed calls' }).check()
    await expect.poll(() => rows(page).count()).toBe(1)
    expect(new URL(page.url()).searchParams.get('status')).toBe('failed')
    await page.reload()
    await calls(page).getByText('provider_overloaded').waitFor()
    expect(await rows(page).count()).toBe(1)
    await page.getByRole('button', { name: 'Remove filter status failed' }).click()
    await expect.poll(() => rows(page).count()).toBe(2)
    await page.goBack()
    await expect.poll(() => rows(page).count()).toBe(1)
  })

  test('a range is chosen, kept in the address, and asked of the API', async () => {
    on.dashboard.ledger.add(finishedCall(Date.now() - 40 * 60_000, createDice(3)))
    const page = await open()
    await page.getByText('No call finished in the last 15 minutes.').waitFor()
    await page.getByRole('radio', { name: 'Last hour' }).check()
    await expect.poll(() => rows(page).count()).toBe(1)
    expect(new URL(page.url()).searchParams.get('range')).toBe('1h')
  })

  test('the drawer shows the receipt, and whose fault a failure was', async () => {
    const failed = finish({ ...overloaded, model: 'claude-haiku-4-5' })
    const page = await open()
    await rows(page).first().click()
    const drawer = page.getByRole('dialog', { name: 'claude-haiku-4-5' })
    for (const text of [
      "Failed: the provider's fault",
      'provider_overloaded',
      'The provider is overloaded.',
      failed.id,
    ])
      await drawer.getByText(text, { exact: true }).waitFor()
    expect(new URL(page.url()).searchParams.get('call')).toBe(failed.id)
    await page.reload()
    await drawer.waitFor()
    await drawer.getByRole('button', { name: 'Close' }).click()
    await drawer.waitFor({ state: 'detached' })
  })

  test('everything can be reached and done by keyboard', async () => {
    fill(on.dashboard)
    const page = await open()
    await rows(page).first().waitFor()
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to content' })
    expect(await skip.evaluate((element) => element.matches(':focus'))).toBe(true)
    await page.keyboard.press('Enter')
    await rows(page).first().focus()
    await page.keyboard.press('ArrowDown')
    expect(
      await rows(page)
        .nth(1)
        .evaluate((element) => element.matches(':focus')),
    ).toBe(true)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(
      await rows(page)
        .nth(1)
        .evaluate((element) => element.matches(':focus')),
    ).toBe(true)
  })

  test('the chart reads its points out by arrow keys and gives the same numbers as a table', async () => {
    fill(on.dashboard)
    const page = await open()
    const chart = page.getByRole('slider', { name: 'Requests a minute, by time' })
    await chart.focus()
    await page.keyboard.press('End')
    const last = await chart.getAttribute('aria-valuetext')
    await page.keyboard.press('ArrowLeft')
    const before = await chart.getAttribute('aria-valuetext')
    expect(before).toMatch(/^\d\d:\d\d: Requests \d+, Errors \d+$/)
    expect(before).not.toBe(last)
    await page.getByRole('button', { name: 'View as table' }).click()
    const [, time, requests] = /^(.*): Requests (\d+),/.exec(before ?? '') ?? []
    const row = page
      .getByRole('table', { name: 'Requests a minute, last 15 minutes' })
      .getByRole('row')
      .filter({ hasText: time ?? '?' })
    await row
      .getByRole('cell', { name: requests ?? '?', exact: true })
      .first()
      .waitFor()
  })

  test('a lost connection is said at once, and found again with what was missed', async () => {
    finish()
    const page = await open()
    await isLive(page)
    on.dashboard.cutOff()
    await page.getByRole('status').filter({ hasText: 'Disconnected' }).waitFor()
    finish({ model: 'claude-missed' })
    on.dashboard.resume()
    await isLive(page)
    await calls(page).getByText('claude-missed').first().waitFor()
  })

  test('with the database away each panel says so, live calls go on, and it recovers by itself', async () => {
    on.dashboard.ledger.failure = new StoreError('unavailable', 'away')
    const page = await open()
    await isLive(page)
    await expect
      .poll(() => page.getByRole('alert').filter({ hasText: 'The database is not reachable.' }).count())
      .toBe(3)
    finish({ model: 'claude-no-database' })
    await calls(page).getByText('claude-no-database').first().waitFor()
    await expectAccessible(page)
    on.dashboard.ledger.failure = null
    await page.getByRole('region', { name: 'Finished calls' }).getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('list', { name: 'Main figures' }).waitFor({ timeout: 15_000 })
  })

  test('on a phone each call shows its model, tokens and cost whole', async () => {
    finish({ model: 'claude-sonnet-5', costUsd: 0.0793 })
    const page = await open('/', { width: 390 })
    await rows(page).first().waitFor()
    // What is cut off is wider than the box that shows it.
    const cut = await calls(page).evaluate((table) =>
      [...table.querySelectorAll('tbody span')].flatMap((span) =>
        span.clientWidth > 0 && span.scrollWidth > span.clientWidth ? [span.textContent] : [],
      ),
    )
    expect(cut).toEqual([])
    await calls(page).getByText('$0.0793').first().waitFor()
    await expectNoSidewaysScroll(page)
  })

  test('the list begins with fifty calls and shows the others when asked', async () => {
    for (let call = 0; call < 60; call++) finish({ endpoint: call === 59 ? 'count_tokens' : 'messages' })
    const page = await open()
    await expect.poll(() => rows(page).count()).toBe(50)
    // Told apart from calls of the usual endpoint, which cost more.
    expect(await calls(page).getByText('count_tokens').count()).toBe(1)
    await page.getByRole('button', { name: 'Show 10 more' }).click()
    await expect.poll(() => rows(page).count()).toBe(60)
    expect(await page.getByRole('button', { name: /Show \d+ more/ }).count()).toBe(0)
  })

  test('a ledger that is behind says up to when its figures are complete', async () => {
    fill(on.dashboard)
    const page = await open()
    await page.getByRole('list', { name: 'Main figures' }).waitFor()
    const note = page.getByText('The ledger is behind')
    expect(await note.count()).toBe(0)
    on.dashboard.lag.seconds = 600
    finish()
    await note.waitFor({ timeout: 15_000 })
    expect(await note.textContent()).toMatch(/complete up to .*\d\d:\d\d/)
    await expectAccessible(page)
    on.dashboard.lag.seconds = 0
    finish()
    await expect.poll(() => note.count(), { timeout: 15_000 }).toBe(0)
  })

  test('the theme follows the system until it is switched, and the choice is kept', async () => {
    const page = await open('/', { theme: 'dark' })
    const theme = () => page.locator('html').getAttribute('data-theme')
    expect(await theme()).toBe('dark')
    await page.getByRole('button', { name: 'Switch to light theme' }).click()
    expect(await theme()).toBe('light')
    await page.reload()
    expect(await theme()).toBe('light')
  })

  describe.each(themes)('in the %s theme', (theme) => {
    const states: readonly [string, string, (page: Page) => Promise<unknown>][] = [
      ['with traffic', '/', (page) => rows(page).first().waitFor()],
      ['as a table', '/?view=table', (page) => page.getByRole('table', { name: /Requests a minute/ }).waitFor()],
      [
        'filtered to nothing',
        '/?model=no-such-model',
        (page) => page.getByText('No call matches these filters').waitFor(),
      ],
      [
        'with the drawer of a failure',
        '/?status=failed',
        async (page) => {
          await rows(page).first().click()
          await page.getByRole('dialog').getByText('The provider is overloaded.').waitFor()
        },
      ],
      [
        'with an address that is none',
        '/nowhere',
        (page) => page.getByText('There is no page at this address').waitFor(),
      ],
    ]
    test.each(states)('axe finds nothing serious and nothing overflows: %s', async (_name, address, ready) => {
      fill(on.dashboard)
      const page = await open(address, { theme })
      await ready(page)
      await expectAccessible(page)
      await page.setViewportSize({ width: 320, height: 800 })
      await expectNoSidewaysScroll(page)
      await expectAccessible(page)
    })

    test('axe finds nothing serious: a new installation, loading, disconnected', async () => {
      const release = on.dashboard.hold()
      const page = await open('/', { theme })
      await page.getByRole('status', { name: 'Loading calls' }).waitFor()
      await expectAccessible(page)
      release()
      await page.getByText('Nothing has been recorded yet.').waitFor()
      await expectAccessible(page)
      await page.setViewportSize({ width: 320, height: 800 })
      await expectNoSidewaysScroll(page)
      on.dashboard.cutOff()
      await page.getByRole('status').filter({ hasText: 'Disconnected' }).waitFor()
      await expectAccessible(page)
    })
  })
})
