import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { endpoints } from '../../../src/contract/index.ts'
import { ApiFailure, call } from '../api/client.ts'
import { sessionQuery } from '../api/queries.ts'
import { minuteOfDay } from '../format.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { useNow } from '../ui/use-now.ts'

const warnMs = 15 * 60_000

/** Signs out, and warns before the session ends by itself. */
export function SessionControls() {
  const session = useQuery(sessionQuery)
  const queries = useQueryClient()
  const router = useRouter()
  const now = useNow()
  const [problem, setProblem] = useState(false)
  const expiresAt = session.data?.expires_at ?? null
  const ending = expiresAt !== null && Date.parse(expiresAt) - now < warnMs

  async function signOut() {
    try {
      await call(endpoints.signOut, { csrfToken: session.data?.csrf_token ?? null })
    } catch (error) {
      // A session that is over already is what was wanted.
      if (!(error instanceof ApiFailure && error.status === 401)) return setProblem(true)
    }
    await router.navigate({ to: paths.signIn })
    queries.clear()
  }
  return (
    <>
      {ending && (
        <span role="status" className="text-sm">
          Signed in until {minuteOfDay(expiresAt)}
        </span>
      )}
      {problem && (
        <span role="alert" className="text-sm">
          Signing out failed
        </span>
      )}
      <Button kind="board" onClick={() => void signOut()}>
        Sign out
      </Button>
    </>
  )
}
