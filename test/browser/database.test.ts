import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/store-error.ts'
import { troubled } from '../support/fake-database.ts'
import { expectAccessible, expectNoSidewaysScroll, missingBrowser, type openPage, themes } from './support/browser.ts'
import type { TestDashboard } from './support/dashboard.ts'
import { stage } from './support/stage.ts'
import { fill } from './support/traffic.ts'

describe.skipIf(missingBrowser !== null)('database page', () => {
  const on = stage()

  async function open(options: Parameters<typeof openPage>[2] = {}, address = '/database'): Promise<Page> {
    return on.open(address, options)
  }
  const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

  test('shows every part of a healthy database, and the browser has nothing to complain of', async () => {
    const page = await open()
    await page.getByText('The database is well.').waitFor()
    const figures = page.getByRole('list', { name: 'Main figures' })
    for (const text of ['8 of 100', '1.6 GB', '4 years', '400 ms', 'none', '7 h ago'])
      await figures.getByText(text, { exact: true }).waitFor()
    const expected: readonly (readonly [string, string])[] = [
      ['Connections', 'Signalbox, writer'],
      ['Counters', 'Found in memory'],
      ['Write-ahead log and checkpoints', 'Checkpoints on time'],
      ['Running statements', '4711 signalbox writer'],
      ['Tables', 'rollup_minute'],
      ['Partition calendar', 'made for 97 days ahead, no row outside'],
      ['Slowest statements', 'stats-latency'],
      ['Jobs', 'partitions dropped 1'],
      ['Recording', 'Oldest not in the ledger'],
      ['This process', 'Event loop late, p99'],
      ['Replication', 'The embedded database has no replicas.'],
      ['Server', 'Schema 0001-ledger'],
      ['Indexes', 'api_requests_session'],
    ]
    for (const [panel, text] of expected) await region(page, panel).getByText(text).first().waitFor()
    const statement = region(page, 'Slowest statements').getByRole('group').filter({ hasText: 'WITH batch AS' })
    expect(await statement.getByText('INSERT INTO api_requests').isVisible()).toBe(false)
    await statement.getByText('WITH batch AS').first().press('Enter')
    await statement.getByText('INSERT INTO api_requests').waitFor()
    expect(await region(page, 'Needs a look').count()).toBe(0)
    expect(on.opened?.complaints).toEqual([])
  })

  test('what needs a person stands on top, worst first, with the statement that helps', async () => {
    troubled(on.dashboard.database)
    const page = await open()
    const panel = region(page, 'Needs a look')
    await panel.getByText('94 of 100 connections are in use.').waitFor()
    const items = await panel.getByRole('listitem').allInnerTexts()
    expect(items[0]).toContain('94 of 100 connections')
    for (const text of [
      'The last run of the job retention failed.',
      'Partitions are there for 1.4 more days.',
      'Over 20 % dead rows in rollup_minute.',
      'A replica is 95 s behind.',
      'Nobody reads the slot old_reader, and it keeps log files on the disk.',
      'GRANT pg_monitor TO signalbox;',
      'CREATE EXTENSION pg_stat_statements;',
    ])
      await panel.getByText(text).first().waitFor()
    await panel.getByRole('button', { name: 'Copy the statement for Slowest statements' }).waitFor()
    await region(page, 'Slowest statements').getByText('is not made in this database').waitFor()
    await region(page, 'Running statements').getByText('Session 5120 waits 44 s for 4711').waitFor()
  })

  test('with the database away it says so, shows what the process knows, and recovers by itself', async () => {
    on.dashboard.database.failure = new StoreError('unavailable', 'away')
    const page = await open()
    await page.getByText('The database does not answer. Calls go on and wait in the journal.').first().waitFor()
    await region(page, 'Recording').getByText('Journal on disk').waitFor()
    await region(page, 'Tables').getByText('The database does not answer.').waitFor()
    on.dashboard.database.failure = null
    await page.getByText('The database is well.').waitFor({ timeout: 30_000 })
  })

  test('a dashboard that fails is said, with another try', async () => {
    on.dashboard.database.failure = new TypeError('a defect')
    const page = await open()
    const alert = page.getByRole('alert')
    await alert.getByText('The dashboard failed to answer.').waitFor()
    on.dashboard.database.failure = null
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('The database is well.').waitFor()
  })

  test('the pages are reached from each other, by keyboard too, and the address is shared', async () => {
    fill(on.dashboard)
    const page = await open({}, '/?range=1h')
    const nav = page.getByRole('navigation', { name: 'Pages' })
    expect(await nav.getByRole('link', { name: 'Overview' }).getAttribute('aria-current')).toBe('page')
    await nav.getByRole('link', { name: 'Database' }).focus()
    await page.keyboard.press('Enter')
    await region(page, 'Tables').waitFor()
    expect(new URL(page.url()).pathname).toBe('/database')
    expect(await page.title()).toBe('Database · Signalbox')
    expect(await nav.getByRole('link', { name: 'Database' }).getAttribute('aria-current')).toBe('page')
    await page.goBack()
    await page.getByRole('table', { name: 'Finished calls' }).waitFor()
    expect(new URL(page.url()).searchParams.get('range')).toBe('1h')
  })

  test('a stranger signs in first and comes back here', async () => {
    const page = await open({ signedIn: false })
    await page.getByLabel('Dashboard key').waitFor()
    expect(new URL(page.url()).searchParams.get('next')).toBe('/database')
  })

  test('many viewers cost one look at the database', async () => {
    const page = await open()
    await page.getByText('The database is well.').waitFor()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => page.request.get(`${on.dashboard.url}/api/database`)),
    )
    expect(answers.every((answer) => answer.ok())).toBe(true)
    expect(on.dashboard.database.looks).toBeLessThan(5)
  })

  describe.each(themes)('in the %s theme', (theme) => {
    const states: readonly [string, (dashboard: TestDashboard) => void, string][] = [
      ['healthy', () => undefined, 'The database is well.'],
      ['in trouble', (one) => troubled(one.database), 'GRANT pg_monitor TO signalbox;'],
      [
        'away',
        (one) => {
          one.database.failure = new StoreError('unavailable', 'away')
        },
        'Journal on disk',
      ],
    ]
    test.each(states)('axe finds nothing serious and nothing overflows: %s', async (_name, prepare, text) => {
      prepare(on.dashboard)
      const page = await open({ theme })
      await page.getByText(text).first().waitFor()
      await expectAccessible(page)
      await page.setViewportSize({ width: 320, height: 800 })
      await expectNoSidewaysScroll(page)
      await expectAccessible(page)
    })

    test('axe finds nothing serious: loading', async () => {
      const release = on.dashboard.hold()
      const page = await open({ theme })
      await page.getByRole('status', { name: 'Reading the database’s health' }).waitFor()
      await expectAccessible(page)
      release()
      await page.getByText('The database is well.').waitFor()
    })
  })
})
