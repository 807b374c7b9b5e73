/**
 * Reopens the log file on SIGUSR1 and SIGHUP, as logrotate asks. Call it first thing at start: until SIGUSR1 has a
 * listener, Node answers it by opening the debugger's port. Returns how to take the listeners off again.
 */
export function installReopenSignals(process: Pick<NodeJS.EventEmitter, 'on' | 'off'>, reopen: () => void): () => void {
  const listener = (): void => reopen()
  const signals = ['SIGUSR1', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
