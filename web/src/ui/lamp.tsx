/** A signal lamp. Each aspect has its own shape, so that it does not depend on seeing colours; words stand beside it. */
export type Aspect = 'clear' | 'caution' | 'danger' | 'off'

const colours = {
  clear: 'text-clear',
  caution: 'text-caution',
  danger: 'text-danger',
  off: 'text-soft',
} as const

export function Lamp({ aspect, lit = false }: { aspect: Aspect; lit?: boolean }) {
  return (
    <svg viewBox="0 0 12 12" aria-hidden="true" className={`lamp size-3 shrink-0 ${colours[aspect]}`}>
      {aspect === 'clear' && <circle cx="6" cy="6" r="4" fill="currentColor" />}
      {aspect === 'caution' && <path d="M6 1.2 11.2 6 6 10.8.8 6Z" fill="currentColor" />}
      {aspect === 'danger' && <rect x="1.8" y="1.8" width="8.4" height="8.4" fill="currentColor" />}
      {aspect === 'off' && <circle cx="6" cy="6" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.6" />}
      {lit && <circle cx="6" cy="6" r="5.4" fill="none" stroke="currentColor" strokeWidth="1" opacity=".45" />}
    </svg>
  )
}
