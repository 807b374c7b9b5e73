import { defineConfig } from 'vitest/config'

// The page in a real browser: `npx vitest run --config vitest.browser.config.ts`. Needs Chromium (CHROMIUM_PATH or
// /usr/bin/chromium) and builds the page first.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/browser/support/build-page.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
