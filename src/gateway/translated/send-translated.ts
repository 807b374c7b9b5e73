import type { AnswerContext, TranslatedRequest, TranslationTarget } from '../../core/dialect.ts'
import { GatewayError } from '../../core/errors.ts'
import { joinPath } from '../../core/join-path.ts'
import { parseMessagesRequest } from '../../core/messages.ts'
import type { Target, UpstreamRequest } from '../../core/upstream.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import type { TryFailure } from '../try-failure.ts'
import { toError } from '../upstream-error.ts'
import { answerCountTokens } from './count-tokens.ts'
import { estimateTokens } from './estimate-tokens.ts'
import { relayTranslated } from './relay-translated.ts'

/**
 * One try at a provider that does not speak Messages: the call is translated there, and its answer back. Of the caller's headers
 * none goes along: they are for Anthropic, about the caller, or its credential.
 */
export async function sendTranslated(exchange: Exchange, target: Target, gateway: Gateway): Promise<TryFailure | null> {
  const { translation } = target
  if (
    translation === null ||
    exchange.body === null ||
    exchange.endpoint === 'models' ||
    exchange.endpoint === 'passthrough'
  )
    throw new GatewayError('caller_model_unknown', `${exchange.path} is not there for ${target.provider}.`)
  const estimatedInputTokens = estimateTokens(exchange.body)
  exchange.provider = target.provider
  exchange.account = target.account
  exchange.targetModel = translation.model
  if (exchange.endpoint === 'count_tokens') {
    answerCountTokens(exchange, gateway, estimatedInputTokens)
    return null
  }

  const request = parseMessagesRequest(exchange.body)
  const { dialect, model, facts } = translation
  const described: TranslationTarget = { provider: target.provider, model, facts, userHash: exchange.userHash }
  const translated = dialect.toUpstream(request, described)
  exchange.translationNotes = translated.notes
  const context: AnswerContext = {
    messageId: `msg_${exchange.id.replaceAll('-', '')}`,
    model: request.model,
    estimatedInputTokens,
    target: described,
    toolNames: translated.toolNames,
    request,
    newCallId: callIds(exchange.id),
  }
  const upstream = toUpstreamRequest(exchange, target, gateway, translated)
  const failure = await relayTranslated(exchange, upstream, gateway, dialect, context)
  if (failure === null) return null
  if (failure instanceof GatewayError) return { kind: 'refused', error: failure }
  return { kind: 'broken', failure, error: toError(failure, upstream, exchange) }
}

function toUpstreamRequest(
  exchange: Exchange,
  target: Target,
  gateway: Gateway,
  translated: TranslatedRequest,
): UpstreamRequest {
  return {
    origin: target.origin,
    path: joinPath(target.pathPrefix, translated.path),
    method: 'POST',
    headers: [
      ...['content-type', 'application/json', 'accept', exchange.streaming ? 'text/event-stream' : 'application/json'],
      ...['accept-encoding', 'identity', 'user-agent', 'signalbox'],
      ...target.sign(target.credential),
    ],
    body: Buffer.from(translated.body),
    headersTimeoutMs: gateway.config.headersTimeoutMs,
    idleTimeoutMs: gateway.config.idleTimeoutMs,
  }
}

/** Ids for calls that came without one: told apart by a number, and from those of other exchanges by its id. */
function callIds(exchangeId: string): () => string {
  let count = 0
  return () => `toolu_${exchangeId.replaceAll('-', '')}${String(count++).padStart(2, '0')}`
}
