import { randomUUID } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { Writable } from 'node:stream'
import { createSignalbox, type Signalbox } from '../../src/app/signalbox.ts'
import { configSchema } from '../../src/config/schema.ts'
import type { RecordedExchange } from '../../src/core/exchange.ts'
import { temporaryDataDir } from './postgres.ts'

/** What journeys assert of a row of the ledger. */
export type LedgerRow = Pick<
  RecordedExchange,
  | 'endpoint'
  | 'provider'
  | 'account'
  | 'errorType'
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
  /** The section `providers`, where it is not just that one. */
  readonly providers?: object
}

/**
 * Starts a gateway with a ledger of its own in front of an upstream. With JOURNEYS=direct in the environment there is no
 * gateway, and callers talk to the upstream itself: that is how a journey is checked.
 */
export function startGateway(options: GatewayOptions): Promise<Gateway> {
  return process.env.JOURNEYS === 'direct' ? startDirect(options) : startInProcess(options)
}

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

/** The whole program in this process, on free ports, with an embedded database of its own. */
async function startInProcess(options: GatewayOptions): Promise<Gateway> {
  const dataDir = await temporaryDataDir()
  await chmod(dataDir, 0o711) // run as root, the database has a user of its own
  const config = configSchema.parse({
    dataDir,
    http: { proxyPort: 0, dashboardPort: 0 },
    providers: options.providers ?? { default: 'simulated', simulated: { baseUrl: options.upstreamUrl } },
  })
  const signalbox = await createSignalbox({ config, stdout: nowhere() })
  return {
    kind: 'gateway',
    proxyUrl: signalbox.proxyUrl.replace(/\/$/, ''),
    dashboardUrl: signalbox.dashboardUrl,
    dashboardKey: signalbox.dashboardKey,
    exchanges: () => settledRows(signalbox),
    async stop() {
      await signalbox.stop({ graceMs: 1_000 })
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const nowhere = (): Writable =>
  new Writable({
    write(_chunk, _encoding, done) {
      done()
    },
  })

const sentinelDomain = 'sentinel.journey'
const settleMs = 15_000

/**
 * The journal is written to the ledger in its order. So a last call, refused by the gateway itself and told by its domain,
 * shows when all calls before it are in the ledger.
 */
async function settledRows(signalbox: Signalbox): Promise<readonly LedgerRow[]> {
  await signalbox.dataPlane.inFlight.idle()
  const domain = `${randomUUID()}.${sentinelDomain}`
  await sendSentinel(signalbox.proxyUrl, domain)
  const deadline = performance.now() + settleMs
  for (;;) {
    const rows = await readRows(signalbox)
    if (rows.some((row) => row.domain === domain)) return rows.filter((row) => !row.domain.endsWith(sentinelDomain))
    if (performance.now() > deadline) throw new Error(`the ledger had not settled after ${settleMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function sendSentinel(proxyUrl: string, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL('/v1/messages', proxyUrl), { method: 'POST', headers: { host } }, (response) =>
      response.resume().on('end', resolve),
    )
    outgoing.on('error', reject)
    outgoing.end('{')
  })
}

/** All rows of the ledger, oldest first. */
async function readRows({ office }: Signalbox): Promise<readonly LedgerRow[]> {
  const rows: LedgerRow[] = []
  let after: { openedAt: number; id: string } | null = null
  for (;;) {
    const page: readonly (LedgerRow & { id: string; openedAt: number })[] = await office.store.queries.recentExchanges({
      from: 0,
      to: Date.now() + 60_000,
      after,
      limit: 200,
      filter: {},
    })
    rows.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < 200) return rows.reverse()
    after = { openedAt: last.openedAt, id: last.id }
  }
}
