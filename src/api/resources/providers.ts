import { checkProviders, type Providers, providers } from '../../contract/providers.ts'
import { jsonReply } from '../http.ts'
import type { ResourceTools } from '../resource-tools.ts'

export type { ProviderReport, Providers as ProvidersReport } from '../../contract/providers.ts'

/** How the providers are; `check` asks them first. */
export interface ProvidersSource {
  report(): Promise<Providers>
  check(): Promise<Providers>
}

/** `GET /api/providers`, `POST /api/providers/check`. Checks asked for at the same moment are one. */
export function providerRoutes({ bind, share }: ResourceTools, source: ProvidersSource) {
  return [
    bind(providers, async () => jsonReply(await share(providers, {}, () => source.report()))),
    bind(checkProviders, async () => jsonReply(await share(checkProviders, {}, () => source.check(), checkKeptMs))),
  ]
}

/** However often a page asks, providers are not asked more often than this. */
const checkKeptMs = 5_000
