import type { Database } from '../../../../src/contract/database.ts'
import { bytes, count, percent, roughly } from '../../format.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel } from '../../ui/panel.tsx'
import { useNow } from '../../ui/use-now.ts'
import { Absent } from './absent.tsx'

interface PanelProps {
  data: Database
}

type Table = NonNullable<Database['tables']>[number]
type Partition = NonNullable<Database['partitions']>['calendar'][number]

const deadMost = 0.2
const deadRowsLeast = 10_000

/** What takes the room, how fast it grows, and whether it is cleaned. */
export function Tables({ data }: PanelProps) {
  const { tables, size } = data
  const now = useNow()
  if (tables === null)
    return (
      <Panel title="Tables">
        <Absent data={data} part="tables" />
      </Panel>
    )
  const note =
    size?.bytes_per_row == null ? undefined : `a call takes ${bytes(Math.round(size.bytes_per_row))} with its indexes`
  const growth = (table: Table): string =>
    table.growth_bytes_per_day === null ? '–' : `+${bytes(Math.round(table.growth_bytes_per_day))}`
  return (
    <Panel title="Tables" note={note}>
      <DataTable
        caption="Tables, largest first"
        rows={tables}
        keyOf={(row) => row.name}
        columns={[
          {
            name: 'Table',
            cell: (row) => (
              <>
                {row.name}
                {row.partitions > 0 && <span className="text-soft">, {count(row.partitions)} partitions</span>}
              </>
            ),
          },
          { name: 'Size', cell: (row) => bytes(row.total_bytes), className: 'w-20', number: true },
          {
            name: 'Indexes',
            cell: (row) => bytes(row.index_bytes),
            className: 'hidden w-22 md:table-cell',
            number: true,
          },
          {
            name: 'TOAST',
            cell: (row) => bytes(row.toast_bytes),
            className: 'hidden w-22 xl:table-cell',
            number: true,
          },
          { name: 'A day', cell: growth, className: 'w-20 sm:w-24', number: true },
          { name: 'Rows', cell: (row) => `~${count(row.rows)}`, className: 'hidden w-22 sm:table-cell', number: true },
          { name: 'Dead', cell: (row) => <Dead table={row} />, className: 'hidden w-20 sm:table-cell', number: true },
          {
            name: 'Cleaned',
            cell: (row) => agoOf(latest(row.last_autovacuum, row.last_vacuum), now),
            className: 'hidden w-28 lg:table-cell',
            number: true,
          },
          {
            name: 'Analysed',
            cell: (row) => agoOf(row.last_analyze, now),
            className: 'hidden w-28 xl:table-cell',
            number: true,
          },
        ]}
      />
    </Panel>
  )
}

function Dead({ table }: { table: Table }) {
  if (table.dead_ratio === null) return '–'
  const bad = table.dead_ratio > deadMost && table.dead_rows > deadRowsLeast
  return (
    <span className="inline-flex items-center gap-1.5">
      {bad && <Lamp aspect="caution" />}
      {percent(table.dead_ratio)}
    </span>
  )
}

const latest = (left: string | null, right: string | null): string | null =>
  left === null || (right !== null && right > left) ? right : left

const agoOf = (at: string | null, now: number): string =>
  at === null ? 'not yet' : `${roughly(now - Date.parse(at))} ago`

/** Which partitions there are, how full, how far ahead, and when each goes. */
export function Partitions({ data }: PanelProps) {
  const { partitions } = data
  if (partitions === null)
    return (
      <Panel title="Partition calendar">
        <Absent data={data} part="partitions" />
      </Panel>
    )
  const { calendar, ahead_days: ahead, default_rows: stray } = partitions
  const note = `made for ${roughly(ahead * 86_400_000)} ahead, ${stray === 0 ? 'no row' : `${count(stray)} rows`} outside`
  const shown = calendar.filter(({ state, table }) => state !== 'default' && table === ledgerTable)
  // Sorting is stable, so each table stays in the order of time.
  const rows = [...calendar].sort(
    (left, right) => placeOf(left) - placeOf(right) || left.table.localeCompare(right.table),
  )
  return (
    <Panel title="Partition calendar" note={note}>
      <div className="px-3 pt-3">
        <Strip calendar={shown} />
      </div>
      {partitions.truncated && <p className="px-3 pt-2 text-sm text-soft">The newest {calendar.length} are shown.</p>}
      <details className="group px-3 py-2 text-sm" open={calendar.length <= 12}>
        <summary className="min-h-6 text-soft hover:text-ink">All {calendar.length} partitions</summary>
        <div className="-mx-3 mt-1">
          <DataTable
            caption="Partitions of each table, oldest first"
            rows={rows}
            keyOf={(row) => row.name}
            columns={[
              { name: 'Partition', cell: (row) => row.name },
              { name: 'State', cell: (row) => stateWords[row.state], className: 'w-20' },
              { name: 'From', cell: (row) => dayOf(row.from), className: 'hidden w-28 md:table-cell' },
              { name: 'To', cell: (row) => dayOf(row.to), className: 'hidden w-28 md:table-cell' },
              {
                name: 'Rows',
                cell: (row) => `~${count(row.rows)}`,
                className: 'hidden w-24 sm:table-cell',
                number: true,
              },
              { name: 'Size', cell: (row) => bytes(row.bytes), className: 'w-22', number: true },
              {
                name: 'Dropped',
                cell: (row) => dayOf(row.dropped_at),
                className: 'hidden w-28 lg:table-cell',
                number: true,
              },
            ]}
          />
        </div>
      </details>
    </Panel>
  )
}

/** The ledger itself comes first, then what is summed up from it. */
const ledgerTable = 'api_requests'
const placeOf = ({ table }: Partition): number => (table === ledgerTable ? 0 : 1)

const stateWords = { past: 'past', current: 'now', ahead: 'ahead', default: 'default' } as const

const dayOf = (at: string | null): string => (at === null ? '–' : at.slice(0, 10))

const stripHeight = 48
const barWidth = 10
const tones = { past: 'fill-series', current: 'fill-brass', ahead: 'fill-line-strong', default: 'fill-danger' } as const

/** One bar a partition, as high as it is large. The table below has the same numbers. */
function Strip({ calendar }: { calendar: readonly Partition[] }) {
  const largest = Math.max(1, ...calendar.map((one) => one.bytes))
  return (
    <figure className="m-0">
      <svg
        viewBox={`0 0 ${Math.max(1, calendar.length) * barWidth} ${stripHeight}`}
        preserveAspectRatio="none"
        className="h-12 w-full bg-inset"
        aria-hidden="true"
      >
        {calendar.map((one, place) => {
          const height = Math.max(2, (one.bytes / largest) * stripHeight)
          return (
            <rect
              key={one.name}
              x={place * barWidth + 0.5}
              y={stripHeight - height}
              width={barWidth - 1}
              height={height}
              className={tones[one.state]}
            />
          )
        })}
      </svg>
      <figcaption className="mt-1 flex justify-between text-[0.8125rem] text-soft">
        <span>{dayOf(calendar[0]?.from ?? null)}</span>
        <span>bars: size of the ledger by time; now in brass</span>
        <span>{dayOf(calendar.at(-1)?.to ?? null)}</span>
      </figcaption>
    </figure>
  )
}

/** The largest indexes. One that nobody reads costs room and every write all the same. */
export function Indexes({ data }: PanelProps) {
  const { indexes } = data
  if (indexes === null)
    return (
      <Panel title="Indexes">
        <Absent data={data} part="indexes" />
      </Panel>
    )
  return (
    <Panel title="Indexes" note="the largest; of all partitions together">
      <DataTable
        caption="Indexes, largest first"
        rows={indexes}
        keyOf={(row) => row.name}
        columns={[
          { name: 'Index', cell: (row) => row.name },
          { name: 'Table', cell: (row) => row.table, className: 'hidden w-56 md:table-cell' },
          { name: 'Size', cell: (row) => bytes(row.bytes), className: 'w-24', number: true },
          { name: 'Reads', cell: (row) => count(row.scans), className: 'w-24', number: true },
        ]}
      />
    </Panel>
  )
}
