import type { Writable } from 'node:stream'
import { type LogTarget, TargetGone } from './log-sink.ts'

/**
 * A stream such as standard output. Node writes to a pipe without blocking and keeps what the reader does not take; waiting
 * for each write's callback keeps that in the sink, where it is bounded.
 */
export function streamTarget(stream: Writable): LogTarget {
  let fault: Error | undefined
  let fail: ((error: Error) => void) | undefined
  // Without a listener a reader that goes away (EPIPE) would end the process.
  const onError = (error: Error): void => {
    fault = error
    fail?.(new TargetGone('the reader of the log has gone', { cause: error }))
  }
  stream.on('error', onError)
  return {
    write(chunk) {
      if (fault !== undefined || stream.destroyed || stream.writableEnded)
        return Promise.reject(new TargetGone('the stream of the log is closed', { cause: fault }))
      return new Promise((resolve, reject) => {
        fail = reject
        stream.write(chunk, (error) => {
          fail = undefined
          if (error === null || error === undefined) resolve(chunk.length)
          else reject(new TargetGone('the reader of the log has gone', { cause: error }))
        })
      })
    },
    renew: async () => false,
    // Standard output is not ours to end, and its listener stays: errors may still come.
    close: async () => {},
  }
}
