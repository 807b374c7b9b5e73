import { request, requests, requestsSpanDays } from '../../contract/requests.ts'
import { checkSpan } from '../../contract/scalars.ts'
import { ApiError } from '../api-error.ts'
import { jsonReply } from '../http.ts'
import { iso, presentDetail, presentSummary } from '../present.ts'
import type { ExchangePlace } from '../queries.ts'
import type { ResourceTools } from '../resource-tools.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `GET /api/requests` and `/api/requests/:id`: raw rows, by a bounded window or by id. */
export function requestRoutes({ bind, queries, refuseSpan }: ResourceTools) {
  return [
    bind(requests, async ({ query }) => {
      const { from, to, limit, cursor, accountId, source, ...filter } = query
      refuseSpan(checkSpan(from, to, requestsSpanDays, ['from', 'to']))
      const after = cursor === undefined ? null : parseCursor(cursor)
      // One row more than asked for tells whether there is another page, without counting.
      const rows = await queries.recentExchanges({
        from,
        to,
        after,
        limit: limit + 1,
        source,
        filter: { ...filter, account: accountId },
      })
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      const nextCursor = rows.length > limit && last !== undefined ? cursorOf(last) : null
      return jsonReply({
        from: iso(from),
        to: iso(to),
        source: 'api_requests',
        requests: page.map((row) => presentSummary(row, row.source)),
        next_cursor: nextCursor,
        truncated: nextCursor !== null,
      })
    }),
    bind(request, async ({ params }) => {
      const id = params.id ?? ''
      if (!uuid.test(id)) throw new ApiError('invalid_request', '`id` must be a UUID.', { field: 'id' })
      const found = await queries.exchangeById(id.toLowerCase())
      if (found === null) throw new ApiError('not_found', 'No request with this id is in the ledger (yet).')
      return jsonReply(presentDetail(found))
    }),
  ]
}

function cursorOf({ openedAt, id }: ExchangePlace): string {
  return Buffer.from(`${openedAt}.${id}`).toString('base64url')
}

function parseCursor(cursor: string): ExchangePlace {
  const [time = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split('.')
  if (!/^\d{13}$/.test(time) || !uuid.test(id))
    throw new ApiError('invalid_request', '`cursor` is not one that this API gave.', { field: 'cursor' })
  return { openedAt: Number(time), id }
}
