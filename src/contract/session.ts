/** A browser can not send headers with an EventSource, so it trades the dashboard key for a cookie. */
import * as z from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { isoTime } from './scalars.ts'

/** Must carry `csrf_token` on every call that changes something and is signed in by cookie. */
export const csrfHeader = 'x-csrf-token'

const sessionFacts = z.object({ expires_at: isoTime, csrf_token: z.string() })

export const signIn = defineEndpoint({
  method: 'POST',
  path: '/api/session',
  auth: 'none',
  summary: 'Trades the dashboard key for a session cookie.',
  body: z.strictObject({ key: z.string().min(1).max(1000) }),
  response: sessionFacts,
})

export const session = defineEndpoint({
  method: 'GET',
  path: '/api/session',
  auth: 'key',
  summary: 'The session of this browser; `expires_at` is null when the call was made with the key itself.',
  response: z.object({ expires_at: isoTime.nullable(), csrf_token: z.string().nullable() }),
})

export const signOut = defineEndpoint({
  method: 'DELETE',
  path: '/api/session',
  auth: 'key',
  summary: 'Ends the session of this browser.',
  response: z.null(),
})

export type Session = z.infer<typeof session.response>
