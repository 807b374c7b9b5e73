/**
 * The API's own view of HTTP, so that no handler knows the framework. The http room turns its requests into
 * `ApiRequest`, and what comes back into bytes.
 */

export interface ApiRequest {
  /** Goes into error bodies and logs. */
  readonly id: string
  readonly method: string
  /** Path without query, for logs. */
  readonly path: string
  /** Values of `:name` parts, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** Repeated parameters arrive as arrays. */
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Parsed JSON of at most `bodyLimitBytes`; undefined without a body. */
  readonly body: unknown
  readonly remoteAddress: string
  /** True where the browser's connection is TLS; decides the cookie's `Secure`. */
  readonly secure: boolean
}

/** The http room refuses longer bodies with `errorReply('body_too_large', …)`. */
export const bodyLimitBytes = 64 * 1024

/** One open response, as much of Node's `ServerResponse` as a stream of events needs. */
export interface StreamWriter {
  /** False when the socket's buffer is full (the chunk was taken all the same). */
  write(chunk: string): boolean
  /** Bytes taken and not yet handed to the kernel. */
  queuedBytes(): number
  /** Ends the response after what was written. */
  end(): void
  /** Drops the connection and what was not sent. */
  destroy(): void
  /** Called once, when the connection is gone for whatever reason. */
  onClose(listener: () => void): void
}

interface ReplyHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export type ApiReply =
  | (ReplyHead & { readonly kind: 'json'; readonly body: string })
  | (ReplyHead & { readonly kind: 'empty' })
  /** Send the head at once, then hand over the writer. */
  | (ReplyHead & { readonly kind: 'stream'; open(writer: StreamWriter): void })
  /**
   * Pieces of a file, asked for as fast as the reader takes them. A failure in the middle drops the connection, so that a
   * file that is not whole does not look so. The iterator's `return` is called where the reader left.
   */
  | (ReplyHead & { readonly kind: 'file'; readonly pieces: AsyncIterable<string | Uint8Array> })

export interface ApiRoute {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly path: string
  /** Said for documents; `handle` already checks it. */
  readonly auth: 'none' | 'key'
  /** Never rejects: a failure is a reply. */
  handle(request: ApiRequest): Promise<ApiReply>
}

/** The first value of a header or parameter that may have come more than once. */
export function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

export function jsonReply(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): ApiReply {
  return { kind: 'json', status, headers, body: JSON.stringify(value) }
}
