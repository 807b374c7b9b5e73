import type { ClientKey } from '../core/client-key.ts'
import type { TokenStats } from '../core/office.ts'
import type { PlaceState } from '../core/provider-health.ts'
import type { MetricsJson } from '../telemetry/index.ts'

/** What the office and its gateway workers say to each other over the IPC channel. */
export type ToWorker =
  | { readonly kind: 'start'; readonly start: WorkerStart }
  | { readonly kind: 'keys'; readonly keys: readonly ClientKey[] }
  /** Settings that were changed while it runs; see `config-codec.ts`. */
  | { readonly kind: 'settings'; readonly config: string }
  | { readonly kind: 'stop'; readonly graceMs: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: WorkerQuestion }
  | { readonly kind: 'answer'; readonly id: number; readonly answer?: unknown; readonly failed?: true }

export type ToOffice =
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly url: string; readonly port: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'ask'; readonly id: number; readonly question: OfficeQuestion }
  | { readonly kind: 'answer'; readonly id: number; readonly answer?: unknown; readonly failed?: true }

export type OfficeQuestion =
  | { readonly about: 'metrics'; readonly redacted: boolean }
  | { readonly about: 'token-stats' }
export type OfficeAnswer = string | TokenStats
export type WorkerQuestion = 'metrics' | 'places'
export type WorkerAnswer = MetricsJson | readonly PlaceState[]

/** All a worker needs. It reads no settings of its own: the office may have changed some. */
export interface WorkerStart {
  /** See `config-codec.ts`. */
  readonly config: string
  readonly journalName: string
  readonly instanceId: string
  readonly pepper: string
  readonly simulatedUrl: string | null
  readonly keys: readonly ClientKey[]
  /** Of the generated traffic; none where there is none. */
  readonly demoKeys: readonly ClientKey[]
}
