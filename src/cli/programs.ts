import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'

/** What the commands set in motion. `main` hands it in, so a command knows what to say and when, and nothing of how. */
export interface Programs {
  serve(options: ServeOptions): Promise<Instance>
  /** Brings the database to this version; the names of the steps that took. */
  migrate(config: Config): Promise<readonly string[]>
  /** The client keys, through the running instance's database or, where none runs, one started for the moment. */
  openKeys(config: Config): Promise<KeyStore>
}

export interface ServeOptions {
  readonly config: Config
  /** `all` is `signalbox start`; the others are one half of it each. */
  readonly part: 'all' | 'proxy' | 'dashboard'
  /** Generated traffic for the simulated provider. */
  readonly traffic: boolean
}

export interface Instance {
  readonly proxyUrl: string | null
  readonly dashboardUrl: string | null
  /** null where the operator chose the key: whoever chose it knows it, and a log must not learn it. */
  readonly dashboardKey: { readonly value: string; readonly file: string } | null
  /** A line that opens the database in psql; null where the operator brought the database. */
  readonly psql: string | null
  /** No new calls; open ones get the configured grace; then everything is flushed and closed. */
  stop(): Promise<void>
  /** Settles only if it can not go on by itself. */
  readonly failed: Promise<Error>
}

export interface KeyStore {
  create(key: { readonly domain: string; readonly name: string; readonly expiresAt: number | null }): Promise<{
    readonly id: string
    /** The key itself, shown this once. */
    readonly key: string
  }>
  list(): Promise<readonly ClientKey[]>
  /** The key as it is now; null where there is none of that id. */
  revoke(id: string): Promise<ClientKey | null>
  close(): Promise<void>
}
