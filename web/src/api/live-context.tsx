import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react'
import type { LiveState, LiveStore } from './live-store.ts'

const LiveContext = createContext<LiveStore | null>(null)

/** Keeps the stream open while its children are on the page. */
export function LiveProvider({ store, children }: { store: LiveStore; children: ReactNode }) {
  useEffect(() => store.start(), [store])
  return <LiveContext value={store}>{children}</LiveContext>
}

/** One part of the live state; renders again only when that part changes. */
export function useLive<Part>(select: (state: LiveState) => Part): Part {
  const store = useContext(LiveContext)
  if (store === null) throw new Error('useLive outside of a LiveProvider')
  return useSyncExternalStore(store.subscribe, () => select(store.get()))
}

/** Stops the page from moving (WCAG 2.2.2) and lets it go on. */
export function usePause(): (paused: boolean) => void {
  const store = useContext(LiveContext)
  if (store === null) throw new Error('usePause outside of a LiveProvider')
  return store.pause
}
