import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectAccessible, expectNoSidewaysScroll, missingBrowser, type openPage, themes } from './support/browser.ts'
import { dashboardKey } from './support/dashboard.ts'
import { stage } from './support/stage.ts'
import { fill } from './support/traffic.ts'

describe.skipIf(missingBrowser !== null)('signing in and out', () => {
  const on = stage(fill)

  async function open(address: string, options: Parameters<typeof openPage>[2] = {}): Promise<Page> {
    return on.open(address, { signedIn: false, ...options })
  }
  const overview = (page: Page) => page.getByRole('table', { name: 'Finished calls' })
  const key = (page: Page) => page.getByLabel('Dashboard key')

  test('a stranger is asked for the key and comes to the page they wanted', async () => {
    const page = await open('/?range=1h&status=failed')
    await key(page).fill(dashboardKey)
    await page.keyboard.press('Enter')
    await overview(page).waitFor()
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ range: '1h', status: 'failed' })
    expect(on.opened?.complaints).toEqual([])
  })

  test('a wrong key is refused in words, tied to the field', async () => {
    const page = await open('/sign-in')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').filter({ hasText: 'Paste the key first.' }).waitFor()
    await key(page).fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').filter({ hasText: 'That is not the dashboard key.' }).waitFor()
    expect(await key(page).getAttribute('aria-invalid')).toBe('true')
    await expectAccessible(page)
  })

  test('a link with the key signs in, and the key leaves the address at once', async () => {
    const page = await open(`/?range=1h#key=${dashboardKey}`)
    await overview(page).waitFor()
    expect(page.url()).toBe(`${on.dashboard.url}/?range=1h`)
    await page.goBack()
    expect(page.url()).not.toContain(dashboardKey)
  })

  test('a link with a wrong key leads to the form, which says why', async () => {
    const page = await open('/#key=wrong')
    await page.getByRole('alert').filter({ hasText: 'The key in the link is not the dashboard key' }).waitFor()
    expect(page.url()).not.toContain('wrong')
  })

  test('an address that leads elsewhere is not followed after signing in', async () => {
    const page = await open('/sign-in?next=//evil.example/')
    await key(page).fill(dashboardKey)
    await page.keyboard.press('Enter')
    await overview(page).waitFor()
    expect(new URL(page.url()).origin).toBe(on.dashboard.url)
  })

  test('signing out ends the session and the live stream', async () => {
    const page = await open('/', { signedIn: true })
    await overview(page).waitFor()
    await expect.poll(() => on.dashboard.hub.connections()).toBe(1)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await key(page).waitFor()
    await expect.poll(() => on.dashboard.hub.connections()).toBe(0)
    await page.goto(on.dashboard.url)
    await key(page).waitFor()
  })

  test('a session that ended elsewhere leads to the form', async () => {
    const page = await open('/', { signedIn: true })
    await overview(page).waitFor()
    await on.opened?.context.clearCookies()
    // The next time that it asks for anything, at the latest with its slow beat.
    await key(page).waitFor({ timeout: 20_000 })
  })

  test('the key is nowhere in what the browser keeps', async () => {
    const page = await open(`/#key=${dashboardKey}`)
    await overview(page).waitFor()
    expect(
      await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'),
    ).not.toContain(dashboardKey)
    const cookies = await on.opened?.context.cookies()
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }])
    expect(JSON.stringify(cookies)).not.toContain(dashboardKey)
  })

  test.each(themes)('axe finds nothing serious in the %s theme and nothing overflows', async (theme) => {
    const page = await open('/', { theme })
    await key(page).waitFor()
    await expectAccessible(page)
    await page.setViewportSize({ width: 320, height: 800 })
    await expectNoSidewaysScroll(page)
  })
})
