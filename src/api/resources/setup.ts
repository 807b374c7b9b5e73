import { type Setup, setup } from '../../contract/setup.ts'
import { jsonReply } from '../http.ts'
import type { ResourceTools } from '../resource-tools.ts'

/** What app knows once everything listens; asked at each call, because a key may have been created since. */
export interface SetupFacts {
  readonly proxyUrl: string | null
  readonly version: string
  readonly demo: boolean
  readonly clientKeyRequired: boolean
}

/** `GET /api/setup`: what the page needs to show the one line to paste. */
export function setupRoutes({ bind }: ResourceTools, facts: () => SetupFacts) {
  return [
    bind(setup, () => {
      const { proxyUrl, version, demo, clientKeyRequired } = facts()
      const answer: Setup = { proxy_url: proxyUrl, version, demo, client_key_required: clientKeyRequired }
      return jsonReply(answer)
    }),
  ]
}
