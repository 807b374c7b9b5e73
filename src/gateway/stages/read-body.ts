import { GatewayError } from '../../core/errors.ts'
import type { Exchange } from '../exchange.ts'

/** Part of the configuration of the gateway. */
export interface BodyLimits {
  readonly maxBodyBytes: number
  readonly bodyIdleMs: number
}

/** Reads the request body as it came, bounded in size and in silence. */
export function readBody(exchange: Exchange, limits: BodyLimits): Promise<void> {
  const { request } = exchange
  const began = exchange.clock.monotonic()
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > limits.maxBodyBytes) return Promise.reject(tooLarge(limits))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let lastByteAt = began
    // A timer that looks now and then costs nothing a request; the body of most calls is here before it first runs.
    const watch = setInterval(
      () => {
        if (exchange.clock.monotonic() - lastByteAt < limits.bodyIdleMs) return
        end(new GatewayError('caller_invalid_request', 'The request body stopped coming.', { status: 408 }))
      },
      Math.max(50, limits.bodyIdleMs / 4),
    )
    const end = (error: GatewayError | null): void => {
      clearInterval(watch)
      request.off('data', onData).off('end', onEnd).off('close', onGone)
      exchange.requestBytes = bytes
      exchange.bodyMs = exchange.clock.monotonic() - began
      if (error !== null) return reject(error)
      exchange.body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes) // one by its length
      resolve()
    }
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      lastByteAt = exchange.clock.monotonic()
      if (bytes > limits.maxBodyBytes) return end(tooLarge(limits))
      chunks.push(chunk)
    }
    const onEnd = (): void => end(null)
    const onGone = (): void =>
      end(new GatewayError('caller_cancelled', 'The caller left before its request was complete.'))
    request
      .on('data', onData)
      .on('end', onEnd)
      .on('close', onGone)
      .on('error', () => {})
  })
}

const tooLarge = (limits: BodyLimits): GatewayError =>
  new GatewayError('caller_body_too_large', `The request body is over the limit of ${limits.maxBodyBytes} bytes.`)
