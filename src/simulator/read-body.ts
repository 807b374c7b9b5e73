import type { IncomingMessage } from 'node:http'
import { ApiFailure } from './failures.ts'

/**
 * The whole body of a request.
 * @throws ApiFailure 413 above `limit` bytes; the rest is left unread, so the connection must close.
 * @throws Error when the caller leaves before its body is complete.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = new ApiFailure('request_too_large')
  if (Number(request.headers['content-length']) > limit) return Promise.reject(tooLarge)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else {
        request.pause()
        reject(tooLarge)
      }
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Error('the caller left before its body was complete')))
  })
}
