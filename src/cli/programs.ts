import type { ExplainedRoute, ImaginedCall } from '../app/explain-route.ts'
import type { SettingsSource } from '../app/watch-settings.ts'
import type { Config } from '../config/schema.ts'
import type { ClientKey } from '../core/client-key.ts'
import type { ProviderCheck } from '../core/provider-health.ts'
import type { HistoryPrograms } from './history-programs.ts'
import type { WorkContext } from './interruptible.ts'

/** What the commands set in motion. `main` hands it in, so a command knows what to say and when, and nothing of how. */
export interface Programs extends HistoryPrograms {
  serve(options: ServeOptions): Promise<Instance>
  /** Where a call would go by the settings; asks nobody. */
  explainRoute(config: Config, call: ImaginedCall): Promise<ExplainedRoute>
  /** Asks one provider, or all that are offered, with calls that cost no tokens. */
  checkProviders(
    config: Config,
    name: string | null,
  ): Promise<{
    readonly checks: readonly ProviderCheck[]
    /** Those that were asked for and lack a setting. */
    readonly notOffered: readonly { readonly name: string; readonly missing: string }[]
    /** All there are. */
    readonly names: readonly string[]
  }>
  /** Brings the database to this version; the names of the steps that took. */
  migrate(config: Config, work: Pick<WorkContext, 'onProgress' | 'signal'>): Promise<readonly string[]>
  /** The steps that it would take, and their SQL; changes nothing. */
  planMigration(config: Config): Promise<readonly { readonly name: string; readonly sql: string }[]>
  /** The client keys, through the running instance's database or, where none runs, one started for the moment. */
  openKeys(config: Config): Promise<KeyStore>
  /** `target` null: standard output. */
  backup(config: Config, options: { target: string | null; withPepper: boolean }, work: Work): Promise<BackupMade>
  openRestore(config: Config, options: { file: string; force: boolean; signal: AbortSignal }): Promise<Restore>
  /** What could not be stored, by reason. */
  setAside(config: Config): Promise<{
    readonly directory: string
    readonly reasons: readonly { readonly reason: string; readonly records: number }[]
    readonly damagedFiles: number
  }>
  /** Tries to store it again. */
  replaySetAside(config: Config): Promise<{ readonly stored: number; readonly known: number; readonly left: number }>
}

/** What long work is given; see runLongWork. */
export interface Work {
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total?: number) => void
  /** A line for the person who waits. */
  readonly note?: (text: string) => void
}

export interface BackupMade {
  readonly file: string | null
  readonly bytes: number | null
  readonly rows: number
  /** Whether client keys work where the backup is restored. */
  readonly withPepper: boolean
}

export interface Restore {
  readonly manifest: { readonly signalbox_version: string; readonly created_at: string }
  readonly fileBytes: number
  /** Reads all of the file and changes nothing. Progress: bytes. */
  check(work: Work): Promise<{ readonly summary: { readonly tables: readonly { readonly rows: number }[] } }>
  /** All or nothing. Progress: rows. */
  load(work: Work): Promise<'same' | 'restored' | 'configured-differs' | 'missing' | 'not-needed'>
  close(): Promise<void>
}

export interface ServeOptions {
  readonly config: Config
  /** `all` is `signalbox start`; the others are one half of it each. */
  readonly part: 'all' | 'proxy' | 'dashboard'
  /** Generated traffic for the simulated provider. */
  readonly traffic: boolean
  /** Where the settings come from, to be read again when the file changes. */
  readonly settings?: SettingsSource
}

export interface Instance {
  readonly proxyUrl: string | null
  readonly dashboardUrl: string | null
  /** null where the operator chose the key: whoever chose it knows it, and a log must not learn it. */
  readonly dashboardKey: { readonly value: string; readonly file: string } | null
  /** A line that opens the database in psql; null where the operator brought the database. */
  readonly psql: string | null
  /** False where its database could not be reached or prepared so far. */
  readonly databaseUp: boolean
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
