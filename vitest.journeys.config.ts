import { defineConfig } from 'vitest/config'

/** Journeys: whole processes and real clients, run by `npx vitest run --config vitest.journeys.config.ts`. */
export default defineConfig({
  test: {
    include: ['test/journeys/**/*.test.ts'],
    // The server of those who want a database of their own is stopped at the end.
    globalSetup: ['test/support/global-postgres.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Each file starts a gateway with its own database; on two cores they only slow each other down.
    fileParallelism: false,
  },
})
