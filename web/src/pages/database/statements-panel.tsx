import type { Database } from '../../../../src/contract/database.ts'
import { count, duration, percent } from '../../format.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Absent } from './absent.tsx'
import { Query } from './server-panels.tsx'

const slowMs = 500

/** Where the database's time goes, by the slowest on average. */
export function Statements({ data }: { data: Database }) {
  const { statements } = data
  if (statements === null)
    return (
      <Panel title="Slowest statements">
        <Absent data={data} part="statements" />
      </Panel>
    )
  return (
    <Panel title="Slowest statements" note="by their mean, without literals">
      {statements.slowest.length === 0 ? (
        <p className="px-3 py-4 text-sm text-soft">None was counted yet.</p>
      ) : (
        <DataTable
          caption="Slowest statements, largest mean first"
          rows={statements.slowest.map((row, place) => ({ ...row, place }))}
          keyOf={(row) => String(row.place)}
          columns={[
            { name: 'Name', cell: (row) => row.name ?? <span className="text-soft">not of Signalbox</span> },
            { name: 'Calls', cell: (row) => count(row.calls), className: 'w-20', number: true },
            { name: 'Mean', cell: (row) => <Mean ms={row.mean_ms} />, className: 'w-24', number: true },
            {
              name: 'Longest',
              cell: (row) => duration(row.max_ms),
              className: 'hidden w-24 sm:table-cell',
              number: true,
            },
            {
              name: 'Total',
              cell: (row) => duration(row.total_ms),
              className: 'hidden w-28 md:table-cell',
              number: true,
            },
            {
              name: 'Share of time',
              cell: (row) => (row.share === null ? '–' : percent(row.share)),
              className: 'hidden w-28 lg:table-cell',
              number: true,
            },
          ]}
          detail={(row) => <Query text={row.query} />}
        />
      )}
    </Panel>
  )
}

function Mean({ ms }: { ms: number }) {
  return (
    <span className="inline-flex items-center gap-1.5">
      {ms > slowMs && <Lamp aspect="caution" />}
      {duration(ms)}
    </span>
  )
}
