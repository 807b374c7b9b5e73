import { Agent, request as send } from 'undici'

/** A plain client for generated traffic: sends what it is given, the `host` header included. */
export function createTrafficClient() {
  const dispatcher = new Agent({ connections: 256, keepAliveTimeout: 10_000 })
  return {
    async send(call: {
      readonly method: 'POST'
      readonly url: URL
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
      readonly signal: AbortSignal
    }) {
      const { statusCode, body } = await send(call.url, {
        dispatcher,
        method: call.method,
        headers: { 'content-type': 'application/json', ...call.headers },
        body: call.body,
        signal: call.signal,
      })
      return { status: statusCode, body: body as AsyncIterable<Uint8Array> } // a readable of buffers
    },
    close: () => dispatcher.destroy(),
  }
}
