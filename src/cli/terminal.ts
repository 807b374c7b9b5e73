/** Where a command reads and writes; tests hand in buffers. */
export interface Terminal {
  /** What the command was asked for: data, tables, JSON lines. */
  out(text: string): void
  /** Words for the person at the keyboard. */
  err(text: string): void
  readonly outIsTty: boolean
  /** Whether what goes to `err` may be drawn over; no where it is not said. */
  readonly errIsTty?: boolean
  /** Characters to a line of `err`; 80 where it is not known. */
  readonly columns?: number
  /** Whether a failure is told with its stack: set once the settings are known to say LOG_LEVEL=debug. */
  showStacks: boolean
}

/** This process's own output. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  showStacks: false,
  get outIsTty() {
    return process.stdout.isTTY === true
  },
  get errIsTty() {
    return process.stderr.isTTY === true
  },
  get columns() {
    return process.stderr.columns || 80 // 0 on a terminal that was never told its size
  },
}

/**
 * What a command ends with. `misuse` covers flags, arguments and settings: nothing was started. `interrupted` is what
 * shells make of SIGINT.
 */
export const exitCode = { ok: 0, failed: 1, misuse: 2, interrupted: 130 } as const

/** A failure that is fully told by its message; anything else thrown by a command is a defect. */
export class CommandError extends Error {
  readonly code: number

  constructor(message: string, code: number = exitCode.failed, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CommandError'
    this.code = code
  }
}
