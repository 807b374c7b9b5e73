import { createHmac } from 'node:crypto'
import path from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { anthropicErrorBody, GatewayError } from '../core/errors.ts'
import type { ExchangeStart } from '../core/exchange.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Logger } from '../core/logger.ts'
import type { OfficeLink } from '../core/office.ts'
import type { PlaceState } from '../core/provider-health.ts'
import type { JournalState } from '../core/signals.ts'
import { unansweredExchange } from '../core/unanswered-exchange.ts'
import { createGatewayRouter, type Gateway, InFlight, type Keyring, Router } from '../gateway/index.ts'
import { listen } from '../http/listener.ts'
import { createUpstreamClient } from '../http/upstream-client.ts'
import { type Journal, openJournal } from '../journal/index.ts'
import type { HttpRequestFinished } from '../telemetry/index.ts'
import { proxyRoutes } from './proxy-routes.ts'
import { routingSettings } from './targets.ts'

export interface DataPlaneOptions {
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  readonly office: OfficeLink
  readonly keys: Keyring
  readonly journalRoot: string
  /** Names this worker's journal; new for every life of a worker. */
  readonly journalName: string
  readonly instanceId: string
  readonly pepper: string
  readonly simulatedUrl: string | null
  /** Told of each request that this process answers without an exchange, such as `/health`. */
  readonly onOwnRequest: (request: HttpRequestFinished) => void
}

export interface DataPlane {
  readonly url: string
  readonly port: number
  readonly inFlight: InFlight
  journalState(): JournalState
  /** The targets that were used, and how they are. */
  places(): readonly PlaceState[]
  /** Providers and routes of these settings count from the next call on. */
  replaceSettings(config: Config): void
  /** No new calls; open ones get the grace; then the journal is flushed and closed. */
  stop(graceMs: number): Promise<void>
}

/** One gateway worker: listener, data plane, journal and upstream connections, tied together. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { config, clock, logger } = options
  const journal = openJournal({
    root: options.journalRoot,
    name: options.journalName,
    clock,
    logger,
    segmentBytes: config.journal.segmentBytes,
    syncIntervalMs: config.journal.syncIntervalMs,
    maxBacklogBytes: config.journal.maxBacklogBytes,
  })
  const upstream = createUpstreamClient()
  const inFlight = new InFlight()
  const gateway: Gateway = {
    config: config.gateway,
    clock,
    logger,
    upstream,
    keys: options.keys,
    router: new Router(routingSettings(config, options.simulatedUrl), clock),
    accountOf: accountNamer(options.pepper),
    record: recordTo(journal, inFlight, config.journal.maxBacklogBytes),
    instanceId: options.instanceId,
    inFlight,
  }
  const listener = await listen({
    host: config.http.host,
    port: config.http.proxyPort,
    portSetting: 'PROXY_PORT',
    headTimeoutMs: config.http.headTimeoutMs,
    maxHeaderBytes: config.http.maxHeaderBytes,
    handle: proxyRoutes({
      office: options.office,
      metricsToken: config.telemetry.metricsToken,
      clock,
      onFinished: options.onOwnRequest,
      dataPlane: createGatewayRouter(gateway),
    }),
    onBadRequest: (status, message) => recordBadRequest(gateway, status, message),
  }).catch(async (error: unknown) => {
    await journal.close()
    throw error
  })
  return {
    url: listener.url,
    port: listener.port,
    inFlight,
    journalState: () => journal.state(),
    places: () =>
      gateway.router.places().map(({ target, breaker, isResting, inUse }) => ({
        ...{ provider: target.provider, model: target.model },
        ...{ breaker: breaker.state, resting: isResting, inUse },
      })),
    replaceSettings: (changed) => gateway.router.replace(routingSettings(changed, options.simulatedUrl)),
    async stop(graceMs) {
      inFlight.draining = true
      await listener.close(graceMs)
      // A stream that was cut off by the end of the grace closes its exchange when its socket does.
      await Promise.race([inFlight.idle(), new Promise((resolve) => setTimeout(resolve, 1_000))])
      await upstream.close()
      await journal.close()
    },
  }
}

/** More than the closing record of a call takes, unless its provider sends dozens of quota headers. */
const closingBytes = 4_096

/**
 * A close must survive a crash that follows the caller's last byte; an opening rides along with the next write. While the
 * disk refuses, room is kept for the ends of the calls that are under way: what was let in is recorded, and the crowd of
 * those who were refused and try again takes none of it.
 */
function recordTo(journal: Journal, inFlight: InFlight, maxBacklogBytes: number): Gateway['record'] {
  const isShort = (): boolean => {
    const { healthy, backlogBytes } = journal.state()
    return !healthy && backlogBytes > Math.max(0, maxBacklogBytes - inFlight.count * closingBytes)
  }
  return (event, written) => {
    const hasLeft = event.kind === 'closed' && event.attempts > 0
    if (!hasLeft && isShort()) {
      written?.()
      return false
    }
    const isUrgent = event.kind === 'closed' && written === undefined
    const taken = journal.append(JSON.stringify(event), isUrgent ? 'now' : 'soon', written)
    if (!taken) written?.()
    return taken
  }
}

/** The account of a caller's own credential: a keyed hash. Remembered for the few credentials a gateway sees. */
function accountNamer(pepper: string): (secret: string) => string {
  const known = new Map<string, string>()
  return (secret) => {
    const found = known.get(secret)
    if (found !== undefined) return found
    const name = `caller-${createHmac('sha256', pepper).update(secret).digest('hex').slice(0, 12)}`
    if (known.size >= 1_000) known.clear()
    known.set(secret, name)
    return name
  }
}

/** A request that never became one is an exchange like any other, with nothing known about it. */
function recordBadRequest(gateway: Gateway, status: number, message: string): string {
  const now = gateway.clock.now()
  const error = new GatewayError('caller_invalid_request', message, { status })
  const start: ExchangeStart = {
    id: uuidv7(now),
    openedAt: now,
    method: 'UNKNOWN',
    path: '/',
    endpoint: 'passthrough',
    domain: 'unknown',
    keyId: null,
    account: null,
    provider: null,
    requestedModel: null,
    streaming: false,
    sessionId: null,
    agentId: null,
    parentAgentId: null,
    requestBytes: 0,
  }
  const closed = unansweredExchange(start, {
    closedAt: now,
    statusCode: status,
    outcome: 'caller_error',
    errorType: 'caller_invalid_request',
    errorMessage: message,
    attempts: 0,
  })
  gateway.record(closed)
  return anthropicErrorBody(error, closed.id)
}

/** Where the journals of a data directory live. */
export const journalRootOf = (config: Config): string =>
  config.journal.directory ?? path.join(config.dataDir, 'journal')
