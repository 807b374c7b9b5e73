import { type KeyboardEvent, useRef, useState } from 'react'
import { endpoints } from '../../../../src/contract/index.ts'
import { useLive } from '../../api/live-context.tsx'
import { count } from '../../format.ts'
import type { OverviewSearch } from '../../paths.ts'
import { type RangeName, ranges, spanOf } from '../../time-range.ts'
import { Button } from '../../ui/button.tsx'
import { Panel, PanelError, Skeleton } from '../../ui/panel.tsx'
import { Segments } from '../../ui/segments.tsx'
import { Select } from '../../ui/select.tsx'
import { CallRow } from './call-row.tsx'
import { useCalls } from './use-calls.ts'

interface CallsProps {
  range: RangeName
  search: OverviewSearch
  models: readonly string[]
  onSearch: (change: Partial<OverviewSearch>) => void
}

const statuses = [
  { value: 'all', text: 'All', name: 'All calls' },
  { value: 'failed', text: 'Failed', name: 'Failed calls' },
  { value: '4xx', text: '4xx', name: 'Status 4xx' },
  { value: '5xx', text: '5xx', name: 'Status 5xx' },
] as const

/** A screenful or two; what lies below the list should not be a mile away. */
const rowsAtFirst = 50

/** The tail of finished calls. */
export function Calls({ range, search, models, onSearch }: CallsProps) {
  const { calls, ledger } = useCalls(range, search)
  const [showAll, setShowAll] = useState(false)
  const shown = showAll ? calls : calls.slice(0, rowsAtFirst)
  const disconnected = useLive((state) => state.connection === 'lost')
  const mountedAt = useRef(new Date().toISOString())
  const status = search.status === '2xx' || search.status === undefined ? 'all' : search.status
  const tools = (
    <>
      <Segments
        label="Status"
        value={status}
        options={statuses}
        onChange={(value) => onSearch({ status: value === 'all' ? undefined : value })}
      />
      <Select
        label="Model"
        value={search.model}
        all="All models"
        options={models}
        onChange={(model) => onSearch({ model })}
      />
    </>
  )
  return (
    <Panel title="Finished calls" note={disconnected ? 'not updating' : undefined} tools={tools}>
      <Chips search={search} onSearch={onSearch} />
      {ledger.isError && <PanelError error={ledger.error} onRetry={() => void ledger.refetch()} />}
      {ledger.isError && calls.length > 0 && (
        <p className="border-b border-line px-3 pb-3 text-sm text-soft">
          Below are the calls this process has seen itself; the ledger adds the rest when it is back.
        </p>
      )}
      {calls.length > 0 && (
        <table
          className="w-full table-fixed border-collapse text-sm"
          onKeyDown={moveBetweenRows}
          onClick={(event) => followRow(event.target)}
        >
          <caption className="sr-only">Finished calls, newest first</caption>
          <thead className="text-left text-soft">
            <tr className="border-b border-line">
              <Head className="w-[4.75rem] sm:w-[5.5rem]">Time</Head>
              <Head className="w-[4rem] sm:w-[6.25rem]">Result</Head>
              <Head className="">Model</Head>
              <Head className="hidden w-32 lg:table-cell">Domain</Head>
              <Head className="hidden w-20 text-right sm:table-cell">Tokens</Head>
              <Head className="hidden w-24 text-right md:table-cell">First token</Head>
              <Head className="w-[4rem] pe-3 text-right sm:w-[4.75rem] sm:pe-2">Total</Head>
              <Head className="hidden w-24 text-right sm:table-cell">Cost</Head>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <CallRow
                key={one.id}
                call={one}
                fresh={one.closed_at > mountedAt.current}
                open={one.id === search.call}
              />
            ))}
          </tbody>
        </table>
      )}
      {calls.length === 0 && ledger.isPending && <Rows />}
      {calls.length === 0 && ledger.isSuccess && <Nothing range={range} search={search} onSearch={onSearch} />}
      {ledger.isSuccess && calls.length > 0 && (
        <p className="flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-line px-3 py-2 text-sm text-soft">
          {shown.length < calls.length && (
            <Button onClick={() => setShowAll(true)}>Show {count(calls.length - shown.length)} more</Button>
          )}
          {showAll && ledger.data.truncated && `The newest ${calls.length} are shown; there are more in this range.`}
          <a href={exportAddress(range, search)} download className="inline-block min-h-6 underline">
            All of them as CSV
          </a>
        </p>
      )}
    </Panel>
  )
}

/** The same rows as the list, without its end, as a file. */
function exportAddress(range: RangeName, { domain, model, status }: OverviewSearch): string {
  const query = new URLSearchParams({ format: 'csv', from: String(spanOf(range, Date.now()).from) })
  for (const [name, value] of Object.entries({ domain, model, status })) if (value !== undefined) query.set(name, value)
  return `${endpoints.export.path}?${query}`
}

function Head({ children, className }: { children: string; className: string }) {
  return (
    <th scope="col" className={`px-2 py-1.5 font-medium first:ps-3 last:pe-3 ${className}`}>
      {children}
    </th>
  )
}

function Rows() {
  return (
    <div role="status" aria-label="Loading calls" className="grid gap-3 p-3">
      {['a', 'b', 'c', 'd', 'e'].map((key) => (
        <Skeleton key={key} className="h-4" />
      ))}
    </div>
  )
}

function Nothing({ range, search, onSearch }: Omit<CallsProps, 'models'>) {
  const filtered = search.domain !== undefined || search.model !== undefined || search.status !== undefined
  return (
    <div className="flex flex-wrap items-center gap-3 px-3 py-5 text-sm text-soft">
      <p>
        {filtered ? 'No call matches these filters' : 'No call finished'} in the {ranges[range].name.toLowerCase()}.
      </p>
      {filtered && (
        <Button onClick={() => onSearch({ domain: undefined, model: undefined, status: undefined })}>
          Clear filters
        </Button>
      )}
    </div>
  )
}

/** What narrows the list, each with the way to undo it. */
function Chips({ search, onSearch }: Pick<CallsProps, 'search' | 'onSearch'>) {
  const chips = (['domain', 'model', 'status'] as const).flatMap((name) => {
    const value = search[name]
    return value === undefined ? [] : [{ name, value }]
  })
  if (chips.length === 0) return null
  return (
    <ul aria-label="Filters" className="flex flex-wrap gap-1.5 border-b border-line px-3 py-2">
      {chips.map(({ name, value }) => (
        <li key={name}>
          <button
            type="button"
            onClick={() => onSearch({ [name]: undefined })}
            aria-label={`Remove filter ${name} ${value}`}
            className="inline-flex min-h-6 max-w-72 items-center gap-1.5 rounded-sm bg-brass-ground px-2 text-[0.8125rem] hover:underline"
          >
            <span className="truncate">
              {name}: {value}
            </span>
            <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

/** Arrow keys walk the rows, so that nobody has to press Tab two hundred times. */
function moveBetweenRows(event: KeyboardEvent<HTMLTableElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('tbody a')]
  const at = links.indexOf(document.activeElement as HTMLElement) // -1 where it is none of them
  const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)]
  if (at === -1 || next === undefined) return
  event.preventDefault()
  next.focus()
}

function followRow(target: EventTarget): void {
  if (!(target instanceof Element) || target.closest('a') !== null) return
  // Selecting text in a row is not a click on it.
  if (window.getSelection()?.isCollapsed === false) return
  target.closest('tr')?.querySelector('a')?.click()
}
