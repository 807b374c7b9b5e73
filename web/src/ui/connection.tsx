import { useLive } from '../api/live-context.tsx'
import { duration } from '../format.ts'
import { useNow } from './use-now.ts'

/** Whether what is on the screen is what happens. Never a silent freeze. */
export function Connection() {
  const connection = useLive((state) => state.connection)
  const heardAt = useLive((state) => state.heardAt)
  const now = useNow(connection === 'live')
  const age = heardAt === null ? null : Math.max(0, now - heardAt)
  const text = { connecting: 'Connecting', live: 'Live', lost: 'Disconnected' }[connection]
  return (
    <p className="flex items-center gap-2 text-sm">
      <svg viewBox="0 0 12 12" aria-hidden="true" className="lamp size-3">
        {connection === 'live' ? (
          <circle cx="6" cy="6" r="5" fill="#58d696" />
        ) : connection === 'lost' ? (
          <rect x="1" y="1" width="10" height="10" fill="#ff8d80" />
        ) : (
          <circle cx="6" cy="6" r="4" fill="none" stroke="#c3d2c4" strokeWidth="2" />
        )}
      </svg>
      <span role="status">{text}</span>
      {connection === 'lost' && age !== null && (
        <span className="text-on-board-soft">{duration(Math.floor(age / 1000) * 1000)} old</span>
      )}
    </p>
  )
}
