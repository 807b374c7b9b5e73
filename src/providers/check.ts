/** A check of a provider as pure rules: what to ask, and what the answer means. Who asks is another's business. */
import { joinPath } from '../core/join-path.ts'
import type { CheckStatus } from '../core/provider-health.ts'
import { mayLeaveTo } from '../core/upstream.ts'
import type { ConfiguredProvider } from './configured.ts'
import { credentialOf, prefixOf } from './define.ts'

export interface ProbeRequest {
  readonly origin: string
  readonly path: string
  /** Name and value in turn. */
  readonly headers: readonly string[]
}

/** What is asked; null where there is nothing that costs no tokens, or no address. */
export function probeOf({ definition, url, apiKey }: ConfiguredProvider): ProbeRequest | null {
  const { probe } = definition
  const credential = credentialOf(apiKey)
  // A login token is for Claude Code's own calls: a check of ours is none.
  if (probe === null || url === null || credential?.kind === 'oauth' || !mayLeaveTo(url.origin, credential)) return null
  return {
    origin: url.origin,
    path: joinPath(prefixOf(url), probe.path),
    headers: ['accept', 'application/json', 'user-agent', 'signalbox', ...probe.sign(credential)],
  }
}

export type ProbeOutcome =
  | { readonly kind: 'answer'; readonly status: number }
  | { readonly kind: 'failure'; readonly reason: 'connect' | 'timeout' | 'broken'; readonly detail: string }

export interface Verdict {
  readonly status: CheckStatus
  readonly advice: string
}

/** What an outcome says of the provider, and what to do about it. */
export function judge(provider: ConfiguredProvider, outcome: ProbeOutcome): Verdict {
  const address = provider.url?.origin ?? ''
  if (outcome.kind === 'failure') return judgeFailure(provider, outcome, address)
  const { status } = outcome
  const keySetting = `${provider.path}.apiKey`
  if (status < 400) return { status: 'ok', advice: '' }
  if (status === 401 || status === 403) {
    // Without a key of its own the gateway passes callers' credentials through: then the answer shows that it is there.
    if (provider.apiKey === null && provider.definition.key === 'caller') return { status: 'ok', advice: '' }
    const what = provider.apiKey === null ? 'It asks for a key' : 'It refuses the key'
    return { status: 'key_refused', advice: `${what}: check ${keySetting}${variable(provider)}.` }
  }
  if (status === 402) return { status: 'no_credit', advice: 'The account has no credit: top it up at the provider.' }
  if (status === 404 || status === 405)
    return {
      status: 'wrong_address',
      advice: `Nothing is at ${address}${prefixOf(provider.url ?? new URL(address))}: check ${provider.path}.baseUrl, above all the version at its end.`,
    }
  if (status === 429)
    return { status: 'rate_limited', advice: 'It limits this account at the moment: wait, or raise the limit there.' }
  // Some providers answer a bad key with 400.
  if (status === 400 && provider.apiKey !== null)
    return {
      status: 'key_refused',
      advice: `It refuses the call, probably for its key: check ${keySetting}${variable(provider)}.`,
    }
  return { status: 'failing', advice: `It answers with status ${status}: see the provider’s own status page.` }
}

function judgeFailure(
  provider: ConfiguredProvider,
  { reason, detail }: ProbeOutcome & { kind: 'failure' },
  address: string,
): Verdict {
  if (reason === 'timeout') return { status: 'timeout', advice: `${address} gave no answer in time.` }
  if (reason === 'broken') return { status: 'failing', advice: `${address} broke its answer off (${detail}).` }
  const start = provider.definition.type === 'ollama' ? ' Start it with: ollama serve.' : ''
  return {
    status: 'unreachable',
    advice: `No connection to ${address} (${detail}): check ${provider.path}.baseUrl, the network, and whether it runs.${start}`,
  }
}

const variable = ({ definition }: ConfiguredProvider): string =>
  definition.env === null ? '' : ` (${definition.env}_API_KEY)`
