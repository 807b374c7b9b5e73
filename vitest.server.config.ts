import { defineConfig } from 'vitest/config'

/**
 * The store's suite on a PostgreSQL server instead of the embedded one: `npm run test:server`, on the server of
 * `SIGNALBOX_TEST_DATABASE_URL`, else on the oldest supported version of the distribution that is installed.
 */
export default defineConfig({
  test: {
    include: [
      'src/store/**/*.test.ts',
      'src/recorder/**/*.test.ts',
      'src/app/retention.test.ts',
      'src/app/refused-start.test.ts',
      'test/whole.test.ts',
    ],
    // They are about the embedded server itself.
    exclude: ['**/node_modules/**', 'src/store/drivers/embedded/**', 'src/store/lock-data-dir.test.ts'],
    globalSetup: ['test/support/global-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
})
