import { useEffect, useState } from 'react'

/** The time, once a second, for ages on the screen; stands still while `paused`. */
export function useNow(paused = false): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (paused) return
    const timer = window.setInterval(() => setNow(Date.now()), 1000)
    return () => window.clearInterval(timer)
  }, [paused])
  return now
}
