import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Unit and room tests live beside the code; whole-process journeys and the architecture in test/.
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'web/src/**/*.test.{ts,tsx}',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'test/journeys/**', 'test/browser/**', 'test/torture/**'],
    // One PostgreSQL for the whole run, started by the first test that asks for a database.
    globalSetup: ['test/support/global-postgres.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores are the smallest machine that runs this suite; more workers only fight over the embedded databases.
    maxWorkers: 2,
  },
})
