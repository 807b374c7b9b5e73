/** The dashboard's API as plain descriptions; the http room serves them. */
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Secret } from '../core/secret.ts'
import { ApiError } from './api-error.ts'
import { createAuthenticator } from './authenticate.ts'
import { guard } from './guard.ts'
import type { ApiRoute } from './http.ts'
import type { LiveHub } from './live-hub.ts'
import type { ApiQueries } from './queries.ts'
import type { ResourceTools } from './resource-tools.ts'
import { type DatabaseSource, databaseRoutes } from './resources/database.ts'
import { type ExportRows, exportRoutes } from './resources/export.ts'
import { healthRoutes } from './resources/health.ts'
import { liveRoutes } from './resources/live.ts'
import { type ProvidersSource, providerRoutes } from './resources/providers.ts'
import { requestRoutes } from './resources/requests.ts'
import { sessionRoutes } from './resources/session.ts'
import { type SetupFacts, setupRoutes } from './resources/setup.ts'
import { statsRoutes } from './resources/stats.ts'
import { timelineRoutes } from './resources/timeline.ts'
import { tokenUsageRoutes } from './resources/token-usage.ts'
import { createSharedAnswers } from './shared-answers.ts'

export interface ApiOptions {
  readonly queries: ApiQueries
  readonly live: LiveHub
  readonly clock: Clock
  readonly logger: Logger
  readonly dashboardKey: Secret
  readonly sessionHours: number
  readonly setup: () => SetupFacts
  /** Whether the database answers; may reject, may hang. */
  readonly ping: () => Promise<boolean>
  /** Age of the oldest record that is not in the ledger, 0 for none; null where the recorders are other processes. */
  readonly ledgerLagSeconds: () => number | null
  readonly database: DatabaseSource
  readonly exportRows: ExportRows
  readonly providers: ProvidersSource
}

const minuteMs = 60_000
/** Answers are shared for a second, and a record takes a moment from its journal to where its age is known. */
const slackMs = 2_000

/** The last whole minute before: it holds still between two looks, so that equal answers have equal tags. */
const completeMinute = (at: number): number => Math.floor((at - slackMs) / minuteMs) * minuteMs

/** The dashboard's API, one line a resource; `http` serves it. */
export function apiRoutes(options: ApiOptions): readonly ApiRoute[] {
  const { clock, dashboardKey, sessionHours, live, logger, queries } = options
  const authenticator = createAuthenticator({ dashboardKey, sessionMs: sessionHours * 3_600_000, clock })
  const answers = createSharedAnswers(clock)
  const tools: ResourceTools = {
    queries,
    clock,
    completeTo() {
      const lag = options.ledgerLagSeconds()
      return lag === null ? null : completeMinute(clock.now() - lag * 1000)
    },
    bind: (endpoint, handler) => guard(endpoint, { authenticator, logger }, handler),
    share: (endpoint, query, ask, keptForMs) =>
      answers.share(`${endpoint.path} ${JSON.stringify(query)}`, ask, keptForMs),
    refuseSpan(complaint) {
      if (complaint === null) return
      throw new ApiError('invalid_request', `\`${complaint.field}\` ${complaint.message}`, { field: complaint.field })
    },
  }
  return [
    ...healthRoutes(options.ping),
    ...statsRoutes(tools),
    ...tokenUsageRoutes(tools),
    ...timelineRoutes(tools),
    ...requestRoutes(tools),
    ...liveRoutes(tools, live, authenticator),
    ...sessionRoutes(tools, authenticator),
    ...setupRoutes(tools, options.setup),
    ...databaseRoutes(tools, options.database),
    ...providerRoutes(tools, options.providers),
    ...exportRoutes(tools, options.exportRows, logger),
  ]
}
