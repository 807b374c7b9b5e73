import { useQuery } from '@tanstack/react-query'
import { useLayoutEffect, useRef } from 'react'
import type { ExchangeSummary } from '../../../../src/contract/exchange.ts'
import { requestQuery } from '../../api/queries.ts'
import { Button } from '../../ui/button.tsx'
import { PanelError, Skeleton } from '../../ui/panel.tsx'
import { Receipt } from './receipt.tsx'

interface CallDrawerProps {
  id: string
  /** What the list knows already, shown until the whole receipt is there. */
  summary: ExchangeSummary | undefined
  onClose: () => void
}

/** The browser's own modal dialog: it keeps the focus, closes with Esc, and gives the focus back. */
export function CallDrawer({ id, summary, onClose }: CallDrawerProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const detail = useQuery(requestQuery(id))
  // Closed while it is still in the page, as only then the browser gives the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    if (element === null || element.open) return
    element.showModal()
    return () => element.close()
  }, [])
  const shown = detail.data ?? summary
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the drawer closes it; keys have Esc.
    <dialog
      ref={dialog}
      aria-labelledby="drawer-title"
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
      className="drawer fixed inset-y-0 right-0 left-auto m-0 h-dvh max-h-none w-full max-w-xl overflow-y-auto border-l border-line bg-panel text-ink"
    >
      <div className="sticky top-0 z-10 flex items-center gap-3 border-b border-line bg-panel px-4 py-2.5">
        <h2 id="drawer-title" className="min-w-0 flex-1 truncate text-lg font-semibold">
          {shown?.model ?? shown?.endpoint ?? 'Request'}
        </h2>
        <Button onClick={onClose}>Close</Button>
      </div>
      {detail.isError && <PanelError error={detail.error} onRetry={() => void detail.refetch()} />}
      {shown !== undefined && <Receipt call={shown} />}
      {shown === undefined && !detail.isError && (
        <div role="status" aria-label="Loading the request" className="grid gap-3 p-4">
          <Skeleton className="h-5 w-1/2" />
          <Skeleton className="h-40" />
          <Skeleton className="h-24" />
        </div>
      )}
    </dialog>
  )
}
