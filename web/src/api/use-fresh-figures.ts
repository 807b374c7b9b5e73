import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { type RangeName, ranges } from '../time-range.ts'
import { useLive } from './live-context.tsx'

/** The ledger writes in batches, a little after the event; asking at once would miss the call that made us ask. */
const ledgerDelayMs = 700
/** A window that slides changes without traffic, too; and this is what is left while the stream is down. */
const pollMs = 10_000

/** Asks the figures anew when calls have finished: soon after the first, then no more often than the range deserves. */
export function useFreshFigures(range: RangeName): void {
  const client = useQueryClient()
  const finished = useLive((state) => `${state.figures?.finished_total} ${state.recent[0]?.id}`)
  const paused = useLive((state) => state.paused)
  const { refreshMs } = ranges[range]
  const asked = useRef({ at: 0, timer: 0 })

  // biome-ignore lint/correctness/useExhaustiveDependencies: `finished` changing says that something finished.
  useEffect(() => {
    // A timer that runs is left alone, else steady traffic would put it off for ever.
    if (paused || asked.current.timer !== 0) return
    const wait = Math.max(ledgerDelayMs, asked.current.at + refreshMs - Date.now())
    asked.current.timer = window.setTimeout(() => {
      asked.current = { at: Date.now(), timer: 0 }
      void client.invalidateQueries({ queryKey: ['figures'] })
    }, wait)
  }, [client, finished, paused, refreshMs])

  useEffect(() => {
    if (paused) return
    const beat = window.setInterval(
      () => void client.invalidateQueries({ queryKey: ['figures'] }),
      Math.max(pollMs, refreshMs),
    )
    return () => {
      window.clearInterval(beat)
      window.clearTimeout(asked.current.timer)
      asked.current.timer = 0
    }
  }, [client, paused, refreshMs])
}
