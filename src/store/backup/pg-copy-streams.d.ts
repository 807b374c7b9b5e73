/** The package brings no types. */
declare module 'pg-copy-streams' {
  import type { Readable, Writable } from 'node:stream'
  import type { Submittable } from 'pg'

  /** `COPY … TO STDOUT`: what the server sends. `rowCount` is known once the stream has ended. */
  export function to(sql: string): Readable & Submittable & { readonly rowCount: number }
  /** `COPY … FROM STDIN`: what the server is sent. `rowCount` is known once the stream has finished. */
  export function from(sql: string): Writable & Submittable & { readonly rowCount: number }
}
