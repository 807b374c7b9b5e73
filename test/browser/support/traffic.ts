/** A quarter of an hour of plausible traffic, the same at every run. */
import type { RecordedExchange } from '../../../src/core/exchange.ts'
import { uuidv7 } from '../../../src/core/ids.ts'
import { closedExchange, openedExchange } from '../../support/exchanges.ts'
import type { TestDashboard } from './dashboard.ts'

const models = ['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-4-5'] as const
const domains = ['web', 'billing-service', 'nightly-evals'] as const

/** Numbers in [0, 1) that repeat with the seed (a linear congruence is enough here). */
export function createDice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

export function finishedCall(
  openedAt: number,
  dice: () => number,
  rest: Partial<RecordedExchange> = {},
): RecordedExchange {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(dice() * items.length)] ?? (items[0] as Item)
  const ttftMs = 300 + dice() * 1800
  const durationMs = ttftMs + dice() * 14_000
  const cacheRead = Math.floor(dice() * 90_000)
  const model = pick(models)
  const call: RecordedExchange = {
    ...closedExchange({
      id: uuidv7(openedAt),
      openedAt,
      closedAt: Math.floor(openedAt + durationMs),
      domain: pick(domains),
      model,
      requestedModel: model,
      durationMs,
      ttftMs,
      upstreamMs: durationMs - 1,
      overheadMs: 0.3 + dice(),
      requestBytes: Math.floor(4 * cacheRead + 8000 * dice()),
      responseBytes: 24_000,
      sessionId: '5f0c7a52-3d0e-4c7b-9d53-0e3f7f1f9a10',
      usage: {
        input: Math.floor(dice() * 900),
        output: Math.floor(200 + dice() * 2400),
        cacheRead,
        cacheWrite5m: Math.floor(dice() * 4000),
        cacheWrite1h: 0,
        reasoning: Math.floor(dice() * 150),
      },
    }),
    costUsd: 0.004 + dice() * 0.09,
    priceSource: 'genai-prices',
  }
  const luck = dice()
  if (luck < 0.025) return { ...call, ...overloaded, ...rest }
  if (luck < 0.04)
    return {
      ...call,
      outcome: 'cancelled',
      statusCode: 499,
      errorType: 'caller_cancelled',
      usageSource: 'partial',
      ...rest,
    }
  return { ...call, ...rest }
}

export const overloaded = {
  outcome: 'provider_error',
  errorType: 'provider_overloaded',
  errorMessage: 'Overloaded',
  statusCode: 529,
  upstreamStatus: 529,
  ttftMs: null,
  model: null,
  usageSource: 'none',
  usage: { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: null },
  costUsd: 0,
  priceSource: 'none',
} as const satisfies Partial<RecordedExchange>

/** Finished calls in this period and the one before it, and some that are still open. */
export function fill(dashboard: TestDashboard, options: { readonly open?: number } = {}): void {
  const dice = createDice(7)
  const now = Date.now()
  for (let minute = 30; minute >= 1; minute--) {
    const calls = Math.round(4 + 5 * dice() + 4 * Math.sin(minute / 4))
    for (let call = 0; call < calls; call++)
      dashboard.ledger.add(finishedCall(Math.floor(now - minute * 60_000 + dice() * 44_000), dice))
  }
  const ages = [400_000, 95_000, 41_000, 12_000, 3_000]
  for (const [index, age] of ages.slice(0, options.open ?? ages.length).entries()) {
    dashboard.hub.exchangeOpened(
      openedExchange({
        id: uuidv7(now - age),
        openedAt: now - age,
        requestedModel: models[index % 3] ?? null,
        domain: domains[index % 3] ?? 'web',
        requestBytes: 60_000 * (5 - index),
      }),
    )
  }
}
