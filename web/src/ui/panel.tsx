import { type ReactNode, useId } from 'react'
import { ApiFailure } from '../api/client.ts'
import { Button } from './button.tsx'
import { Lamp } from './lamp.tsx'

interface PanelProps {
  title: string
  /** Stands beside the title: a count, a badge. */
  note?: ReactNode
  tools?: ReactNode
  children: ReactNode
  className?: string
}

/** A titled part of a page, a landmark of its own. */
export function Panel({ title, note, tools, children, className = '' }: PanelProps) {
  const id = useId()
  return (
    <section aria-labelledby={id} className={`min-w-0 rounded-sm border border-line bg-panel ${className}`}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 border-b border-line px-3 py-2">
        <h2 id={id} className="text-[0.9375rem] font-semibold">
          {title}
        </h2>
        {note !== undefined && <div className="text-sm text-soft">{note}</div>}
        {tools !== undefined && <div className="ms-auto flex flex-wrap items-center gap-1.5">{tools}</div>}
      </div>
      {children}
    </section>
  )
}

/** What stands where data would, when it did not come: the cause, the id for the log, and another try. */
export function PanelError({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const failure = error instanceof ApiFailure ? error : null
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-4 text-sm" role="alert">
      <Lamp aspect="danger" />
      <p className="min-w-48 flex-1">
        {failure?.message ?? 'This part of the page failed.'}
        {failure?.requestId && <span className="block text-soft">Request {failure.requestId}</span>}
      </p>
      <Button onClick={onRetry}>Try again</Button>
    </div>
  )
}

export function Skeleton({ className = '' }: { className?: string }) {
  return <span aria-hidden="true" className={`skeleton block ${className}`} />
}
