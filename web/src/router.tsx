import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ApiFailure } from './api/client.ts'
import type { LiveStore } from './api/live-store.ts'
import { sessionQuery } from './api/queries.ts'
import { OverviewPage } from './pages/overview/overview-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { overviewSearch, paths, signInSearch } from './paths.ts'
import { Shell } from './ui/shell.tsx'

interface Context {
  readonly queries: QueryClient
  readonly live: LiveStore
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: Broken,
})

/** Leads to the form who is not signed in, and back to where they wanted afterwards. */
async function demandSession({ context, location }: { context: Context; location: { href: string } }): Promise<void> {
  try {
    await context.queries.ensureQueryData(sessionQuery)
  } catch (error) {
    const refused = error instanceof ApiFailure && (error.status === 401 || error.status === 403)
    if (refused) throw redirect({ to: paths.signIn, search: { next: location.href }, replace: true })
    throw error
  }
}

const overview = createRoute({
  getParentRoute: () => root,
  path: paths.overview,
  validateSearch: overviewSearch,
  component: OverviewPage,
  beforeLoad: demandSession,
})

const database = createRoute({
  getParentRoute: () => root,
  path: paths.database,
  // Fetched when it is first wanted: most people look at the overview.
  component: lazyRouteComponent(() => import('./pages/database/database-page.tsx'), 'DatabasePage'),
  beforeLoad: demandSession,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: paths.signIn,
  validateSearch: signInSearch,
  component: SignInPage,
})

export function createPageRouter(context: Context) {
  return createRouter({ routeTree: root.addChildren([overview, database, signIn]), context, scrollRestoration: true })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}

function NotFound() {
  return (
    <Shell>
      <h1 className="text-xl font-semibold">There is no page at this address</h1>
      <p className="mt-2">
        <Link to={paths.overview} className="text-brass underline">
          Go to the overview
        </Link>
      </p>
    </Shell>
  )
}

function Broken({ error }: { error: unknown }) {
  return (
    <Shell>
      <h1 className="text-xl font-semibold">The page could not be shown</h1>
      <p className="mt-2" role="alert">
        {error instanceof ApiFailure ? error.message : 'It has a defect, which the console of this browser describes.'}
      </p>
      <p className="mt-2">
        <a href={paths.overview} className="text-brass underline">
          Load it again
        </a>
      </p>
    </Shell>
  )
}
