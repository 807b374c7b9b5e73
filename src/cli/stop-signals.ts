/** How a serving command learns that it is to end. */
export interface StopSignals {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  /** Settles with the second: whoever presses Ctrl-C again does not want to wait. */
  readonly second: Promise<NodeJS.Signals>
  /** Gives the signals back to the system. */
  release(): void
}

const stopping: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']

/** A terminal sends Ctrl-C to the whole process group and `npm` may pass it on once more: the same press, not a second one. */
const samePressMs = 500

/** The first signal asks to stop, a second one insists. */
export function listenForStop(monotonic: () => number, source: NodeJS.EventEmitter = process): StopSignals {
  let firstAt: number | undefined
  let resolveFirst: (signal: NodeJS.Signals) => void = () => undefined
  let resolveSecond: (signal: NodeJS.Signals) => void = () => undefined
  const first = new Promise<NodeJS.Signals>((resolve) => {
    resolveFirst = resolve
  })
  const second = new Promise<NodeJS.Signals>((resolve) => {
    resolveSecond = resolve
  })
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = monotonic()
      resolveFirst(signal)
    } else if (monotonic() - firstAt > samePressMs) resolveSecond(signal)
  }
  for (const signal of stopping) source.on(signal, onSignal)
  return {
    first,
    second,
    release: () => {
      for (const signal of stopping) source.off(signal, onSignal)
    },
  }
}
