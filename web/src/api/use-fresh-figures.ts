import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { type RangeName, ranges } from '../time-range.ts'
import { useLive } from './live-context.tsx'

/** The ledger writes in batches, a little after the event; asking at once would miss the call that made us ask. */
const ledgerDelayMs = 700
/** Asked once more after that, for a batch that was slower or an answer that was shared with somebody before us. */
const asksPerEvent = 2
/** A window that slides changes without traffic, too; and this is what is left while the stream is down. */
const pollMs = 10_000

/** Asks the figures anew when calls have finished: soon after the first, then no more often than the range deserves. */
export function useFreshFigures(range: RangeName): void {
  const client = useQueryClient()
  const finished = useLive((state) => `${state.figures?.finished_total} ${state.recent[0]?.id}`)
  const paused = useLive((state) => state.paused)
  const { refreshMs } = ranges[range]
  const asking = useRef({ lastAt: 0, timer: 0, left: 0 })

  // biome-ignore lint/correctness/useExhaustiveDependencies: `finished` changing says that something finished.
  useEffect(() => {
    if (paused) return
    asking.current.left = asksPerEvent
    // A timer that runs is left alone, else steady traffic would put it off for ever.
    if (asking.current.timer === 0) schedule()

    function schedule(): void {
      const wait = Math.max(ledgerDelayMs, asking.current.lastAt + refreshMs - Date.now())
      asking.current.timer = window.setTimeout(() => {
        asking.current = { lastAt: Date.now(), timer: 0, left: asking.current.left - 1 }
        void client.invalidateQueries({ queryKey: ['figures'] })
        if (asking.current.left > 0) schedule()
      }, wait)
    }
  }, [client, finished, paused, refreshMs])

  useEffect(() => {
    if (paused) return
    const beat = window.setInterval(
      () => void client.invalidateQueries({ queryKey: ['figures'] }),
      Math.max(pollMs, refreshMs),
    )
    return () => {
      window.clearInterval(beat)
      window.clearTimeout(asking.current.timer)
      asking.current.timer = 0
    }
  }, [client, paused, refreshMs])
}
