import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { dashboardKey } from './dashboard.ts'

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Why the browser tests can not run here; null where they can. In CI they must. */
export const missingBrowser = ((): string | null => {
  if (existsSync(executablePath)) return null
  const reason = `no Chromium at ${executablePath}: install one or set CHROMIUM_PATH`
  if (process.env.CI === 'true') throw new Error(reason)
  console.warn(`browser tests are skipped: ${reason}`)
  return reason
})()

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export type Theme = 'light' | 'dark'
export const themes: readonly Theme[] = ['light', 'dark']

export interface Opened {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser complained of: errors of scripts, violations of the content policy. */
  readonly complaints: readonly string[]
}

export async function openPage(
  browser: Browser,
  url: string,
  options: {
    readonly theme?: Theme
    readonly width?: number
    readonly height?: number
    readonly signedIn?: boolean
  } = {},
): Promise<Opened> {
  const { theme = 'light', width = 1440, height = 900, signedIn = true } = options
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
  })
  if (signedIn) await context.request.post(new URL('/api/session', url).href, { data: { key: dashboardKey } })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  // A violation that a script catches is not on the console.
  await page.exposeFunction('tellViolation', (text: string) => complaints.push(text))
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => tellViolation(event.violatedDirective + ' ' + event.blockedURI))`,
  )
  page.setDefaultTimeout(10_000)
  await page.goto(url)
  return { context, page, complaints }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** No serious or critical finding of axe on what the page shows now. */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated by the debugger, which the content policy of the page does not bind.
  await page.evaluate(axeSource)
  const found = await page.evaluate(async () => {
    const { axe: run } = globalThis as unknown as { axe: typeof axe } // put there by the line above
    const { violations } = await run.run(
      { exclude: [] },
      { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    )
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.map((node) => `${node.target}: ${node.failureSummary}`),
    }))
  })
  expect(found.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([])
}

/** Nothing is wider than the window: no part of the page is reached by scrolling sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const { content, viewport } = (await page.evaluate(
    `({ content: document.documentElement.scrollWidth, viewport: document.documentElement.clientWidth })`,
  )) as { content: number; viewport: number } // the shape of the expression in the line above
  expect(content).toBeLessThanOrEqual(viewport)
}
