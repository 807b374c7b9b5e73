import { live, sse } from '../../contract/live.ts'
import { ApiError } from '../api-error.ts'
import type { Authenticator } from '../authenticate.ts'
import { first, jsonReply } from '../http.ts'
import type { LiveHub } from '../live-hub.ts'
import type { ResourceTools } from '../resource-tools.ts'

/** `GET /api/live` and `/api/sse` (contract A21). Neither needs the database. */
export function liveRoutes({ bind }: ResourceTools, hub: LiveHub, authenticator: Authenticator) {
  return [
    bind(live, () => jsonReply(hub.snapshot())),
    bind(sse, ({ request, caller }) => {
      if (hub.isFull())
        throw new ApiError('too_many_clients', 'Too many dashboards are following live events.', {
          retryAfterSeconds: 10,
        })
      const lastEventId = first(request.headers['last-event-id'])
      return {
        kind: 'stream',
        status: 200,
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store, no-transform',
          // Asks nginx and its kin not to hold events back.
          'x-accel-buffering': 'no',
        },
        open: (writer) =>
          hub.connect(writer, { lastEventId, holds: () => caller !== null && authenticator.holds(caller) }),
      }
    }),
  ]
}
