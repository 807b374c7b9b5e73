/**
 * Session cookies that need no table: `v1.<expires>.<nonce>.<mac>`, signed with a key derived from the dashboard key, so
 * that changing the dashboard key ends every session, and every dashboard process with the same key knows them all.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a valid session cookie says. */
export interface SessionToken {
  /** Epoch milliseconds. */
  readonly expiresAt: number
  /** Names the session; what a sign-out revokes. */
  readonly nonce: string
}

/** Makes session cookies and reads them back; nothing is kept of them. */
export interface SessionSigner {
  issue(token: SessionToken): string
  /** Null for anything forged, malformed or expired. */
  verify(text: string, now: number): SessionToken | null
  /** Proof for `x-csrf-token` that the caller can read answers of this session. */
  csrfTokenOf(token: SessionToken): string
}

/** Signed with a key derived from the dashboard key: who changes that one signs everybody out. */
export function createSessionSigner(dashboardKey: string): SessionSigner {
  const key = createHmac('sha256', dashboardKey).update('signalbox dashboard session, v1').digest()
  const mac = (text: string): string => createHmac('sha256', key).update(text).digest('base64url')
  const body = ({ expiresAt, nonce }: SessionToken): string => `v1.${expiresAt}.${nonce}`
  return {
    issue: (token) => `${body(token)}.${mac(body(token))}`,
    verify(text, now) {
      const match = /^v1\.(\d{10,15})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/.exec(text)
      const [, expires, nonce, signature] = match ?? []
      if (expires === undefined || nonce === undefined || signature === undefined) return null
      const token = { expiresAt: Number(expires), nonce }
      if (!sameText(signature, mac(body(token)))) return null
      return token.expiresAt > now ? token : null
    },
    csrfTokenOf: (token) => mac(`csrf.${body(token)}`),
  }
}

// Comparing digests under a fixed key of this process takes the same time whatever the lengths and contents.
const comparisonKey = 'constant length'

/** Whether two texts are equal, in a time that does not tell where they differ. */
export function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHmac('sha256', comparisonKey).update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
