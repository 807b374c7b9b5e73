import { defineConfig } from 'vitest/config'

/** Torture: whole processes are killed, frozen and starved under traffic. Run by `npm run test:torture`. */
export default defineConfig({
  test: {
    include: ['test/torture/**/*.test.ts'],
    // The server of those who want a database of their own is stopped at the end.
    globalSetup: ['test/support/global-postgres.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
