import { Link } from '@tanstack/react-router'
import { paths } from '../paths.ts'
import { Connection } from '../ui/connection.tsx'
import { ThemeSwitch } from '../ui/theme.tsx'
import { SessionControls } from './session-controls.tsx'

const pages = [
  { to: paths.overview, text: 'Overview' },
  { to: paths.database, text: 'Database' },
] as const

/** What stands on the name board of every page: the way to the others, the state of the line, the controls. */
export function Board() {
  return (
    <>
      <nav aria-label="Pages" className="max-sm:order-last max-sm:w-full">
        <ul className="flex gap-1">
          {pages.map(({ to, text }) => (
            <li key={to}>
              <Link
                to={to}
                activeOptions={{ exact: true, includeSearch: false }}
                className="inline-flex min-h-8 items-center rounded-sm px-2.5 text-sm text-on-board-soft hover:text-on-board aria-[current=page]:bg-board-edge aria-[current=page]:font-semibold aria-[current=page]:text-on-board"
              >
                {text}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="ms-auto flex flex-wrap items-center justify-end gap-x-2.5 gap-y-2 sm:gap-x-4">
        <Connection />
        <ThemeSwitch kind="board" />
        <SessionControls />
      </div>
    </>
  )
}
