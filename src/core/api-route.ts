/**
 * HTTP as the dashboard's API sees it and the http room serves it: the API knows no framework, the http room no resource.
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
  /** Parsed JSON of bounded size; undefined without a body. */
  readonly body: unknown
  readonly remoteAddress: string
  /** True where the browser's connection is TLS; decides the cookie's `Secure`. */
  readonly secure: boolean
}

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

/** What a handler answers; `http` writes it out. */
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

/** One resource of the API, free of any HTTP framework. */
export interface ApiRoute {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly path: string
  /** Said for documents; `handle` already checks it. */
  readonly auth: 'none' | 'key'
  /** Never rejects: a failure is a reply. */
  handle(request: ApiRequest): Promise<ApiReply>
}
