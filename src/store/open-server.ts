import { startEmbedded } from './drivers/embedded/start-embedded.ts'
import type { OpenStoreOptions } from './open-store.ts'

export interface OpenServer {
  readonly url: string
  /** Ends the embedded server; does nothing to one that others run. */
  close(): Promise<void>
}

/** The database's server as it is, neither migrated nor otherwise touched. For an embedded one the caller holds the lock. */
export async function openServer(options: Omit<OpenStoreOptions, 'onQuery'>): Promise<OpenServer> {
  const { config, dataDir, clock, logger } = options
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl, close: async () => undefined }
  const embedded = await startEmbedded({ dataDir, clock, logger })
  return { url: embedded.url, close: embedded.stop }
}
