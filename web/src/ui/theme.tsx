import { useEffect, useState } from 'react'
import { Button } from './button.tsx'

const storageKey = 'signalbox-theme'
const systemDark = window.matchMedia('(prefers-color-scheme: dark)')

/** Follows the system until somebody presses the switch; theme.js does the same before the first paint. */
export function ThemeSwitch({ kind = 'quiet' }: { kind?: 'quiet' | 'board' }) {
  const [wanted, setWanted] = useState(() => localStorage.getItem(storageKey))
  const [system, setSystem] = useState(systemDark.matches)
  const dark = wanted === null ? system : wanted === 'dark'
  useEffect(() => {
    const follow = () => setSystem(systemDark.matches)
    systemDark.addEventListener('change', follow)
    return () => systemDark.removeEventListener('change', follow)
  }, [])
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  }, [dark])

  function change() {
    const next = dark ? 'light' : 'dark'
    localStorage.setItem(storageKey, next)
    setWanted(next)
  }
  return (
    <Button kind={kind} onClick={change} aria-label={dark ? 'Switch to light theme' : 'Switch to dark theme'}>
      <svg
        viewBox="0 0 16 16"
        className="size-4"
        aria-hidden="true"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      >
        {dark ? (
          <path d="M8 1v2m0 10v2M1 8h2m10 0h2M3 3l1.5 1.5m7 7L13 13M3 13l1.5-1.5m7-7L13 3M11 8a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z" />
        ) : (
          <path d="M13.5 9.5A6 6 0 0 1 6.5 2.5 6 6 0 1 0 13.5 9.5Z" />
        )}
      </svg>
    </Button>
  )
}
