import { closeExchange } from '../close-exchange.ts'
import type { Exchange } from '../exchange.ts'
import type { Gateway } from '../gateway.ts'
import { requestIdHeader } from '../relay.ts'

/** `count_tokens` for a model whose provider has no such call: answered here, from an estimate. */
export function answerCountTokens(exchange: Exchange, gateway: Gateway, tokens: number): void {
  const { response } = exchange
  const body = JSON.stringify({ input_tokens: tokens })
  closeExchange(exchange, gateway, 200, null)
  if (response.destroyed) return
  response.writeHead(200, {
    'content-type': 'application/json',
    'request-id': exchange.id,
    [requestIdHeader]: exchange.id,
    'x-signalbox-estimated': 'true',
  })
  response.end(body)
}
