/** The models of the simulated provider's list, newest first, as `GET /v1/models` shows them. */
export const simulatedModels = [
  { type: 'model', id: 'claude-opus-5-5', display_name: 'Claude Opus 5.5', created_at: '2026-09-01T00:00:00Z' },
  { type: 'model', id: 'claude-sonnet-5', display_name: 'Claude Sonnet 5', created_at: '2026-05-01T00:00:00Z' },
  { type: 'model', id: 'claude-opus-5', display_name: 'Claude Opus 5', created_at: '2026-04-01T00:00:00Z' },
  { type: 'model', id: 'claude-sonnet-4-6', display_name: 'Claude Sonnet 4.6', created_at: '2026-02-01T00:00:00Z' },
  {
    type: 'model',
    id: 'claude-haiku-4-5-20251001',
    display_name: 'Claude Haiku 4.5',
    created_at: '2025-10-01T00:00:00Z',
  },
  {
    type: 'model',
    id: 'claude-sonnet-4-5-20250929',
    display_name: 'Claude Sonnet 4.5',
    created_at: '2025-09-29T00:00:00Z',
  },
] as const

/** True for an id of the list, and for an alias of one (the id without its date). */
export function isSimulatedModel(model: string): boolean {
  return simulatedModels.some(({ id }) => id === model || id.replace(/-\d{8}$/, '') === model)
}

/** `opus`, `sonnet`, `haiku`, …: what a rate limit is counted by. */
export function modelFamily(model: string): string {
  return /opus|sonnet|haiku|fable|mythos/.exec(model)?.[0] ?? 'other'
}

const defaultPage = 20
const maxPage = 1_000

/**
 * One page of the list, shaped as the real API pages: `limit` (1 to 1000), `after_id`, `before_id`.
 * @returns undefined for a limit out of range.
 */
export function modelsPage(query: URLSearchParams): object | undefined {
  const limit = query.has('limit') ? Number(query.get('limit')) : defaultPage
  if (!Number.isInteger(limit) || limit < 1 || limit > maxPage) return undefined
  const after = simulatedModels.findIndex(({ id }) => id === query.get('after_id'))
  const before = simulatedModels.findIndex(({ id }) => id === query.get('before_id'))
  const rest = simulatedModels.slice(after + 1, before < 0 ? undefined : before)
  const data = before < 0 ? rest.slice(0, limit) : rest.slice(-limit)
  return {
    data,
    has_more: data.length < rest.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  }
}
