import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'

/** What the commands set in motion. `main` hands it in, so a command knows what to say and when, and nothing of how. */
export interface Programs {
  run(options: RunOptions): Promise<Instance>
  /** Brings the database to this version; how many steps that took. */
  migrate(config: Config): Promise<number>
  /** The client keys, through the running instance's database or, where none runs, one started for the moment. */
  openKeys(config: Config): Promise<KeyStore>
}

export interface RunOptions {
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
  /** Holds the address of the embedded database as `url`; null where the operator brought the database. */
  readonly connectionFile: string | null
  /** No new calls; open ones get the configured grace; then everything is flushed and closed. */
  stop(): Promise<void>
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
