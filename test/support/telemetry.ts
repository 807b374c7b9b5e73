/** A telemetry of a test's own: its lines are kept, its clock is moved by hand, its model list is short. */
import { Writable } from 'node:stream'
import type { Clock } from '../../src/core/clock.ts'
import { createTelemetry, type Telemetry, type TelemetryOptions, telemetryConfig } from '../../src/telemetry/index.ts'

export function movableClock(now = Date.UTC(2026, 8, 1, 12)): Clock & { advance(ms: number): void } {
  let passed = 0
  return {
    now: () => now + passed,
    monotonic: () => passed,
    advance(ms) {
      passed += ms
    },
  }
}

/** A stream that keeps what is written, as text. */
export function keepingStream(): Writable & { text(): string; lines(): readonly Record<string, unknown>[] } {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  const text = (): string => chunks.join('')
  const lines = () =>
    text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, unknown> => JSON.parse(line))
  return Object.assign(stream, { text, lines })
}

export const knownModels = new Set(['claude-opus-5', 'claude-haiku-4-5'])

export function testTelemetry(
  rest: Omit<Partial<TelemetryOptions>, 'config'> & { config?: Record<string, unknown> } = {},
): { readonly telemetry: Telemetry; readonly stdout: ReturnType<typeof keepingStream> } {
  const stdout = keepingStream()
  const telemetry = createTelemetry({
    clock: movableClock(),
    stdout,
    isTty: false,
    version: '0.1.0',
    isKnownModel: (model) => knownModels.has(model),
    providers: ['anthropic'],
    sources: {},
    ...rest,
    config: telemetryConfig.parse(rest.config ?? {}),
  })
  return { telemetry, stdout }
}

/** Waits until a condition holds; tests have no other way to wait. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 10_000,
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
