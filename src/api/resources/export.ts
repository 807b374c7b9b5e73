import { exportEndpoint } from '../../contract/export.ts'
import type { Logger } from '../../core/logger.ts'
import { type ExportQuestion, type ExportRow, encodeExport, exportFormats } from '../../store/index.ts'
import { ApiError } from '../api-error.ts'
import type { ResourceTools } from '../resource-tools.ts'

export type ExportRows = (question: ExportQuestion) => AsyncIterable<readonly ExportRow[]>

/** Exports at a time; they share two connections, page by page. */
const openLimit = 4
const earliest = Date.UTC(2020, 0, 1)

/** `GET /api/export`: rows of the ledger as a file, as long as the reader takes them. */
export function exportRoutes({ bind, clock, refuseSpan }: ResourceTools, exportRows: ExportRows, logger: Logger) {
  let open = 0
  return [
    bind(exportEndpoint, async ({ query, request }) => {
      const { format, source, accountId, from = earliest, to = clock.now(), ...filter } = query
      if (from >= to) refuseSpan({ field: 'to', message: 'must be after from' })
      if (open >= openLimit)
        throw new ApiError('too_many_clients', `${openLimit} exports are under way; try again when one is done.`, {
          retryAfterSeconds: 10,
        })
      const pages = exportRows({ from, to, source, filter: { ...filter, account: accountId } })[Symbol.asyncIterator]()
      open += 1
      let released = false
      const release = (): void => {
        if (!released) open -= 1
        released = true
      }
      try {
        // A database that is away is an answer of its own; after the first byte it could only be a broken connection.
        const first = await pages.next()
        const pieces = encodeExport(format, chain(first, pages))
        const name = `signalbox-${day(from === earliest ? to - 1 : from)}-${day(to - 1)}.${format}`
        return {
          kind: 'file',
          status: 200,
          headers: {
            'content-type': exportFormats[format].contentType,
            'content-disposition': `attachment; filename="${name}"`,
            'cache-control': 'private, no-store',
          },
          pieces: releasing(pieces, release, (error) =>
            logger.warn('export_failed', 'An export broke off', {
              request_id: request.id,
              reason: error instanceof Error ? error.name : 'unknown',
            }),
          ),
        }
      } catch (error) {
        release()
        throw error
      }
    }),
  ]
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

async function* chain(
  first: IteratorResult<readonly ExportRow[]>,
  rest: AsyncIterator<readonly ExportRow[]>,
): AsyncGenerator<readonly ExportRow[]> {
  try {
    for (let page = first; page.done !== true; page = await rest.next()) yield page.value
  } finally {
    await rest.return?.()
  }
}

/**
 * The same pieces; `release` is called once there are no more, whoever ended them. No generator: one that was never asked
 * for its first piece does not hear of its end.
 */
function releasing<T>(
  pieces: AsyncGenerator<T>,
  release: () => void,
  onFailure: (error: unknown) => void,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const piece = await pieces.next()
          if (piece.done === true) release()
          return piece
        } catch (error) {
          release()
          onFailure(error)
          throw error
        }
      },
      async return() {
        release()
        await pieces.return(undefined)
        return { done: true, value: undefined }
      },
    }),
  }
}
