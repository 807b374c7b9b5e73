import type { ReactNode } from 'react'

/** The name board over every page, the way past it, and the page. */
export function Shell({ board, children, footer }: { board?: ReactNode; children: ReactNode; footer?: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only z-10 rounded-sm bg-brass px-3 py-2 font-semibold text-panel focus:not-sr-only focus:absolute focus:m-2"
      >
        Skip to content
      </a>
      <header className="on-board border-b-4 border-board-edge bg-board text-on-board">
        <div className="mx-auto flex w-full max-w-[1600px] flex-wrap items-center gap-x-4 gap-y-2 px-3 py-2 sm:px-5">
          <p className="flex items-center gap-2.5 text-[1.0625rem] font-semibold">
            <svg viewBox="0 0 12 24" className="h-6 w-3" aria-hidden="true">
              <rect width="12" height="24" rx="6" fill="#06140d" />
              <circle cx="6" cy="6.5" r="3" fill="#e8564a" opacity=".4" />
              <circle cx="6" cy="17.5" r="3" fill="#58d696" />
            </svg>
            Signalbox
          </p>
          {board}
        </div>
      </header>
      <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[1600px] flex-1 px-3 py-4 outline-none sm:px-5">
        {children}
      </main>
      {footer !== undefined && (
        <footer className="mx-auto w-full max-w-[1600px] px-3 pb-4 text-[0.8125rem] text-soft sm:px-5">{footer}</footer>
      )}
    </div>
  )
}
