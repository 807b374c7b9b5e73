import { type Clock, systemClock } from '../core/clock.ts'
import { type OnProgress, type ProgressOptions, startProgress } from './progress.ts'
import { listenForStop } from './stop-signals.ts'
import { CommandError, exitCode, type Terminal } from './terminal.ts'

/** Somebody pressed Ctrl-C; the message says what was left behind and how to go on. */
export class InterruptedError extends CommandError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, exitCode.interrupted, options)
    this.name = 'InterruptedError'
  }
}

export interface LongWork extends ProgressOptions {
  /** What is true after an interruption and how to go on, such as `Nothing was changed. Run the same command again.` */
  readonly afterInterrupt: string
  /** Where the signals come from; the process, except in tests. */
  readonly signals?: NodeJS.EventEmitter
}

/** What work is given: it tells how far it has come, and ends cleanly (throws, whatever it likes) once `signal` aborts. */
export interface WorkContext {
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
  /** A line above the bar. */
  say(text: string): void
  /** The same where there is a bar, and nothing where the work is soon done. */
  note(text: string): void
}

/**
 * Runs work that may take long: shows how far it is, and lets Ctrl-C end it (status 130). Work that ends well in spite of
 * the signal has ended well. A second Ctrl-C does not wait for the work to clean up.
 */
export async function runLongWork<T>(
  terminal: Terminal,
  options: LongWork,
  work: (context: WorkContext) => Promise<T>,
): Promise<T> {
  const clock: Clock = options.clock ?? systemClock
  const progress = startProgress(terminal, options)
  const stop = new AbortController()
  const heard = listenForStop(() => clock.monotonic(), options.signals)
  void heard.first.then(() => {
    progress.say('Stopping. Press Ctrl-C again to not wait for it.')
    stop.abort()
  })
  const impatient = heard.second.then((): never => {
    throw new InterruptedError('Stopped without waiting.')
  })
  impatient.catch(() => undefined)
  const context: WorkContext = { onProgress: progress.set, signal: stop.signal, say: progress.say, note: progress.note }
  try {
    const result = await Promise.race([Promise.resolve().then(() => work(context)), impatient])
    progress.finish()
    return result
  } catch (error) {
    progress.abandon()
    if (stop.signal.aborted && !(error instanceof InterruptedError))
      throw new InterruptedError(`Interrupted. ${options.afterInterrupt}`, { cause: error })
    throw error
  } finally {
    heard.release()
  }
}
