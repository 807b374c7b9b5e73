/** Who is calling: someone with the dashboard key, or a browser that traded it for a cookie. */
import { randomBytes } from 'node:crypto'
import { csrfHeader } from '../contract/session.ts'
import type { Clock } from '../core/clock.ts'
import type { Secret } from '../core/secret.ts'
import { ApiError } from './api-error.ts'
import { type ApiRequest, first } from './http.ts'
import { createSessionSigner, type SessionToken, sameText } from './session-token.ts'
import { createWrongKeys } from './wrong-keys.ts'

/** Somebody with the dashboard key in a header, or with a session. */
export type Caller =
  | { readonly kind: 'key' }
  | { readonly kind: 'session'; readonly token: SessionToken; readonly csrfToken: string }

/** Tells callers of the dashboard from strangers, and signs them in and out. */
export interface Authenticator {
  /** @throws ApiError 401 without a key, 403 with a wrong one or without the anti-forgery token, 429 after too many. */
  authenticate(request: ApiRequest): Caller
  /** Checks the key and gives the session and its `Set-Cookie` value. @throws ApiError as above. */
  signIn(request: ApiRequest, key: string): { readonly caller: Caller & { kind: 'session' }; readonly cookie: string }
  /** Ends the session for good, also for copies of the cookie, and gives the `Set-Cookie` that removes it. */
  signOut(request: ApiRequest, caller: Caller): string
  /** Whether the session still holds, for streams that outlive their first request. */
  holds(caller: Caller): boolean
}

const cookieName = 'signalbox_session'
const revokedLimit = 10_000 // sign-outs remembered until their sessions would have expired anyway

/** Wrong keys are counted, and refused for a while when they are many. */
export function createAuthenticator(options: {
  readonly dashboardKey: Secret
  readonly sessionMs: number
  readonly clock: Clock
}): Authenticator {
  const { dashboardKey, sessionMs, clock } = options
  const signer = createSessionSigner(dashboardKey.reveal())
  const wrongKeys = createWrongKeys(clock)
  const revoked = new Map<string, number>()

  function checkKey(request: ApiRequest, key: string): void {
    const retryAfterSeconds = wrongKeys.waitSeconds(request.remoteAddress)
    if (retryAfterSeconds > 0)
      throw new ApiError('too_many_requests', 'Too many wrong keys from this address.', { retryAfterSeconds })
    if (sameText(key, dashboardKey.reveal())) return
    wrongKeys.add(request.remoteAddress)
    throw new ApiError('forbidden', 'This is not the dashboard key.')
  }

  function sessionOf(request: ApiRequest): (Caller & { kind: 'session' }) | null {
    const token = signer.verify(cookieOf(request) ?? '', clock.now())
    if (token === null || revoked.has(token.nonce)) return null
    return { kind: 'session', token, csrfToken: signer.csrfTokenOf(token) }
  }

  function revoke({ nonce, expiresAt }: SessionToken): void {
    for (const [known, expires] of revoked) if (expires <= clock.now()) revoked.delete(known)
    const oldest = revoked.keys().next()
    if (revoked.size >= revokedLimit && !oldest.done) revoked.delete(oldest.value)
    revoked.set(nonce, expiresAt)
  }

  return {
    authenticate(request) {
      const key = first(request.headers['x-dashboard-key'])
      if (key !== undefined && key !== '') {
        checkKey(request, key)
        return { kind: 'key' }
      }
      const session = sessionOf(request)
      if (session === null)
        throw new ApiError('unauthenticated', 'Send the dashboard key in the X-Dashboard-Key header, or sign in.')
      if (request.method !== 'GET' && request.method !== 'HEAD') checkForgery(request, session.csrfToken)
      return session
    },
    signIn(request, key) {
      checkOrigin(request)
      checkKey(request, key)
      const token = { expiresAt: clock.now() + sessionMs, nonce: randomBytes(16).toString('base64url') }
      const caller = { kind: 'session', token, csrfToken: signer.csrfTokenOf(token) } as const
      return { caller, cookie: cookie(signer.issue(token), Math.floor(sessionMs / 1000), request.secure) }
    },
    signOut(request, caller) {
      if (caller.kind === 'session') revoke(caller.token)
      return cookie('', 0, request.secure)
    },
    holds: (caller) =>
      caller.kind === 'key' || (caller.token.expiresAt > clock.now() && !revoked.has(caller.token.nonce)),
  }
}

function cookie(value: string, maxAgeSeconds: number, secure: boolean): string {
  return `${cookieName}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}

function cookieOf(request: ApiRequest): string | undefined {
  const header = first(request.headers.cookie)
  const pair = header?.split(';').find((part) => part.trim().startsWith(`${cookieName}=`))
  return pair?.trim().slice(cookieName.length + 1)
}

/** A page of another origin can make a browser send our cookie, but it can not read the token, nor hide its origin. */
function checkForgery(request: ApiRequest, csrfToken: string): void {
  checkOrigin(request)
  if (sameText(first(request.headers[csrfHeader]) ?? '', csrfToken)) return
  throw new ApiError('forbidden', `Calls that change something need the ${csrfHeader} header (see GET /api/session).`)
}

function checkOrigin(request: ApiRequest): void {
  const origin = first(request.headers.origin)
  if (origin === undefined) return
  if (URL.canParse(origin) && new URL(origin).host === first(request.headers.host)) return
  throw new ApiError('forbidden', 'This call came from a page of another origin.')
}
