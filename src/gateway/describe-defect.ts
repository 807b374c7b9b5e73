import { GatewayError } from '../core/errors.ts'

const framesLimit = 8

/**
 * What the log is told of a defect: the kind of error and where it was thrown, and none of its message. The language quotes
 * what it chokes on (`Unexpected token 'W', "Write a poe"... is not valid JSON`), and that may be a prompt.
 */
export function describeDefect(thrown: unknown): string {
  const origin = thrown instanceof GatewayError && thrown.cause instanceof Error ? thrown.cause : thrown
  if (!(origin instanceof Error)) return 'not an error'
  const frames = (origin.stack ?? '')
    .replace(origin.message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
  return [origin.name, ...frames.slice(0, framesLimit).map((frame) => frame.trim())].join(' ').slice(0, 1_000)
}
