import type { ProvidersSource } from '../../src/api/index.ts'

/** A gateway of which no provider is known. */
export const quietProviders: ProvidersSource = {
  report: async () => ({ providers: [] }),
  check: async () => ({ providers: [] }),
}
