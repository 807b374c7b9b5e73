import { session, signIn, signOut } from '../../contract/session.ts'
import type { Authenticator, Caller } from '../authenticate.ts'
import { jsonReply } from '../http.ts'
import { iso } from '../present.ts'
import type { ResourceTools } from '../resource-tools.ts'

const noStore = { 'cache-control': 'no-store' }

/** `POST`, `GET` and `DELETE /api/session`: trade the key for a cookie, look at it, give it back. */
export function sessionRoutes({ bind }: ResourceTools, authenticator: Authenticator) {
  return [
    bind(signIn, ({ body, request }) => {
      const { caller, cookie } = authenticator.signIn(request, body.key)
      return jsonReply(presentSession(caller), 201, { ...noStore, 'set-cookie': cookie })
    }),
    bind(session, ({ caller }) => jsonReply(presentSession(caller), 200, noStore)),
    bind(signOut, ({ request, caller }) => ({
      kind: 'empty',
      status: 204,
      headers: { ...noStore, ...(caller && { 'set-cookie': authenticator.signOut(request, caller) }) },
    })),
  ]
}

function presentSession(caller: Caller | null) {
  if (caller?.kind !== 'session') return { expires_at: null, csrf_token: null }
  return { expires_at: iso(caller.token.expiresAt), csrf_token: caller.csrfToken }
}
