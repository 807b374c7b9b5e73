import './strict-policy.ts'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createLiveStore } from './api/live-store.ts'
import { createQueryClient, sessionQuery } from './api/queries.ts'
import { signInWithFragment } from './api/sign-in.ts'
import { paths } from './paths.ts'
import { createPageRouter } from './router.tsx'
import './styles.css'

const queries = createQueryClient(onSignedOut)
const live = createLiveStore(onSignedOut)
const router = createPageRouter({ queries, live })

function onSignedOut(): void {
  queries.removeQueries({ queryKey: sessionQuery.queryKey })
  const { pathname, href } = router.state.location
  if (pathname !== paths.signIn) void router.navigate({ to: paths.signIn, search: { next: href }, replace: true })
}

const container = document.getElementById('root')
if (container === null) throw new Error('index.html has no #root')

// Before the first route is chosen, so that the key has left the address and the session is there.
await signInWithFragment()

createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
