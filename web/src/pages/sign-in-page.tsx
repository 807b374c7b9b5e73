import { useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useId, useRef, useState } from 'react'
import { endpoints } from '../../../src/contract/index.ts'
import { ApiFailure, call } from '../api/client.ts'
import { sessionQuery } from '../api/queries.ts'
import { wasFragmentRefused } from '../api/sign-in.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { Shell } from '../ui/shell.tsx'
import { ThemeSwitch } from '../ui/theme.tsx'

const refusedLink = 'The key in the link is not the dashboard key of this installation.'

export function SignInPage() {
  const { next } = useSearch({ from: paths.signIn })
  const router = useRouter()
  const queries = useQueryClient()
  const field = useRef<HTMLInputElement>(null)
  const errorId = useId()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(wasFragmentRefused() ? refusedLink : null)

  async function signIn(event: FormEvent) {
    event.preventDefault()
    const key = field.current?.value.trim() ?? ''
    if (key === '') return fail('Paste the key first.')
    setBusy(true)
    try {
      await call(endpoints.signIn, { body: { key } })
      queries.removeQueries({ queryKey: sessionQuery.queryKey })
      router.history.push(next ?? paths.overview)
    } catch (error) {
      fail(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  function fail(text: string) {
    setProblem(text)
    field.current?.focus()
    field.current?.select()
  }
  return (
    <Shell
      board={
        <div className="ms-auto">
          <ThemeSwitch kind="board" />
        </div>
      }
    >
      <title>Sign in · Signalbox</title>
      <div className="mx-auto mt-[8vh] max-w-md">
        <h1 className="text-2xl font-semibold">Sign in</h1>
        <form
          onSubmit={(event) => void signIn(event)}
          noValidate
          className="mt-4 rounded-sm border border-line bg-panel p-4"
        >
          <label htmlFor="key" className="font-medium">
            Dashboard key
          </label>
          <input
            ref={field}
            id="key"
            name="key"
            type="password"
            autoComplete="current-password"
            spellCheck={false}
            // biome-ignore lint/a11y/noAutofocus: the page has this one thing to do.
            autoFocus
            aria-invalid={problem !== null}
            aria-describedby={problem === null ? undefined : errorId}
            className="mt-1.5 block w-full rounded-sm border border-line-strong bg-inset px-3 py-2 font-mono text-sm aria-invalid:border-danger"
          />
          {problem !== null && (
            <p id={errorId} role="alert" className="mt-2 text-sm text-danger">
              {problem}
            </p>
          )}
          <Button kind="brass" type="submit" disabled={busy} className="mt-4 w-full justify-center py-2">
            {busy ? 'Signing in' : 'Sign in'}
          </Button>
        </form>
        <p className="mt-4 text-sm text-soft">
          The key was printed when Signalbox started, together with a link that signs you in. It is kept in the data
          directory, or comes from the setting <code className="font-mono text-[0.8125rem]">DASHBOARD_API_KEY</code>.
        </p>
      </div>
    </Shell>
  )
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiFailure)) return 'Signing in failed. Try again.'
  if (error.status === 403) return 'That is not the dashboard key.'
  if (error.status === 429) return 'Too many wrong keys from your address. Wait a minute, then try again.'
  return error.message
}
