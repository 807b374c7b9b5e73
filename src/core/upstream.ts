import type { Dialect, ModelFacts } from './dialect.ts'
import type { Secret } from './secret.ts'

/** One HTTP call to a provider. `headers` is a raw list, name and value in turn. */
export interface UpstreamRequest {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: string[]
  readonly body: Buffer | null
  /** Milliseconds without a response head, and without a byte of the body, before the call is given up. */
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
}

/** Told how an upstream call goes. Exactly one of `onEnd` and `onError` comes, last. */
export interface UpstreamHandler {
  onHeaders(status: number, rawHeaders: string[]): void
  /** Return false to hold the stream until `resume()`. */
  onData(chunk: Buffer): boolean
  onEnd(): void
  onError(failure: UpstreamFailure): void
}

/** Why an upstream call broke. `connect`: nothing was sent, so a second try is safe. */
export interface UpstreamFailure {
  readonly kind: 'connect' | 'headers_timeout' | 'idle_timeout' | 'cut' | 'bad_response' | 'aborted'
  readonly detail: string
  readonly cause: unknown
}

/** A call under way. */
export interface UpstreamCall {
  resume(): void
  abort(): void
}

/** The way out. One `send` is one try: nothing is tried again below it. */
export interface UpstreamClient {
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  close(): Promise<void>
}

/** What pays for a call. `oauth` is a claude.ai login (`sk-ant-oat…`), bound to Anthropic's own host. */
export interface Credential {
  readonly kind: 'api-key' | 'bearer' | 'oauth'
  readonly secret: Secret
}

/** Where a call goes: provider, address and signer; its own credential, or none where the caller's passes through. */
export interface Target {
  readonly provider: string
  readonly origin: string
  /** Put before the path; '' or '/prefix'. */
  readonly pathPrefix: string
  readonly credential: Credential | null
  /** Name of the paying credential where the gateway owns it. */
  readonly account: string
  /** Whether a caller's own credential may be sent there. */
  readonly acceptsCallerCredential: boolean
  /** The one credential header pair, `[name, value]`, or none. */
  sign(credential: Credential | null): readonly string[]
  /** The model to ask for, where it may be another than the caller's; null to leave the body alone. */
  readonly model: string | null
  /** How the request must be translated; null for the native dialect, whose bytes pass untouched. */
  readonly translation: { readonly dialect: Dialect; readonly model: string; readonly facts: ModelFacts } | null
}

/** A login token may only leave to this origin (Anthropic's gateway documentation; knowledge of the protocol, section 10). */
const oauthOrigin = 'https://api.anthropic.com'

/** The last check before the socket: may this credential be sent to that origin? */
export function mayLeaveTo(origin: string, credential: Credential | null): boolean {
  return credential?.kind !== 'oauth' || origin === oauthOrigin
}
