import type { RecordedExchange } from '../../src/core/exchange.ts'

/** What journeys assert of a row of the ledger. */
export type LedgerRow = Pick<
  RecordedExchange,
  | 'endpoint'
  | 'domain'
  | 'requestedModel'
  | 'model'
  | 'streaming'
  | 'statusCode'
  | 'outcome'
  | 'failedAfterFirstByte'
  | 'attempts'
  | 'usage'
  | 'usageSource'
  | 'stopReason'
  | 'upstreamRequestId'
  | 'sessionId'
  | 'agentId'
  | 'costUsd'
>

export interface Gateway {
  /** `direct`: there is no gateway, callers talk to the upstream itself; the journeys check themselves that way. */
  readonly kind: 'gateway' | 'direct'
  /** Base URL for API clients, without a slash at its end. */
  readonly proxyUrl: string
  readonly dashboardUrl: string | undefined
  readonly dashboardKey: string | undefined
  /** The rows of the ledger, oldest first, once no exchange is open and every closed one is written. */
  exchanges(): Promise<readonly LedgerRow[]>
  stop(): Promise<void>
}

export interface GatewayOptions {
  /** Where the gateway's default route leads. */
  readonly upstreamUrl: string
}

/** Starts a gateway with a ledger of its own in front of an upstream. */
export function startGateway(options: GatewayOptions): Promise<Gateway> {
  return startDirect(options)
}

/** No gateway: the journey against the upstream itself. */
async function startDirect(options: GatewayOptions): Promise<Gateway> {
  return {
    kind: 'direct',
    proxyUrl: options.upstreamUrl,
    dashboardUrl: undefined,
    dashboardKey: undefined,
    exchanges: async () => [],
    stop: async () => {},
  }
}
