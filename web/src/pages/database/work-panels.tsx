import type { Database } from '../../../../src/contract/database.ts'
import { bytes, count, duration, fullTime, percent, roughly } from '../../format.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { type Fact, Facts } from '../../ui/facts.tsx'
import { type Aspect, Lamp } from '../../ui/lamp.tsx'
import { Panel } from '../../ui/panel.tsx'
import { useNow } from '../../ui/use-now.ts'
import { Absent } from './absent.tsx'

interface PanelProps {
  data: Database
}

/** From the journal to the ledger. */
export function Recording({ data: { recorder, process } }: PanelProps) {
  const dropped = Object.entries(recorder.dropped_total).filter(([, total]) => total > 0)
  const facts: Fact[] = [
    {
      name: 'Oldest not in the ledger',
      value: recorder.lag_seconds === 0 ? 'none' : duration(Math.round(recorder.lag_seconds * 1000)),
    },
    { name: 'Waiting', value: `${count(recorder.queue_rows)}, ${bytes(recorder.queue_bytes)}` },
    { name: 'Journal on disk', value: bytes(recorder.journal_bytes) },
    {
      name: 'Room for the journal',
      value: process.journal_disk === null ? null : bytes(process.journal_disk.free_bytes),
    },
    { name: 'Written', value: count(recorder.written_total) },
    { name: 'Failed writes, tried again', value: count(recorder.write_errors_total) },
    ...(dropped.length === 0
      ? [{ name: 'Set aside', value: 'none' }]
      : dropped.map(([reason, total]) => ({
          name: `Set aside: ${reason}`,
          value: count(total),
          aspect: 'caution' as const,
        }))),
  ]
  return (
    <Panel title="Recording" note="of this process, since its start">
      <Facts facts={facts} label="Recording" />
    </Panel>
  )
}

const lagMostMs = 200

/** The process that answers this page. */
export function Process({ data: { process } }: PanelProps) {
  const lag = process.event_loop_lag_p99_ms
  const facts: Fact[] = [
    { name: 'Running for', value: roughly(process.uptime_seconds * 1000) },
    { name: 'Memory', value: bytes(process.memory_bytes) },
    { name: 'Of it JavaScript', value: bytes(process.heap_bytes) },
    { name: 'CPU', value: process.cpu === null ? null : `${percent(process.cpu)} of a core` },
    {
      name: 'Event loop late, p99',
      value: lag === null ? null : duration(lag),
      aspect: lag !== null && lag > lagMostMs ? 'caution' : undefined,
    },
    { name: 'Open calls', value: count(process.open_exchanges) },
    { name: 'Dashboards connected', value: count(process.dashboard_clients) },
  ]
  return (
    <Panel title="This process">
      <Facts facts={facts} label="This process" />
    </Panel>
  )
}

/** What server this is, and what brought its schema here. */
export function ServerFacts({ data }: PanelProps) {
  const { server, migrations, kind } = data
  const now = useNow()
  if (server === null)
    return (
      <Panel title="Server">
        <Absent data={data} part="server" />
      </Panel>
    )
  const facts: Fact[] = [
    { name: 'PostgreSQL', value: server.version },
    { name: 'Kind', value: kind === 'embedded' ? 'embedded' : 'a server of its own' },
    { name: 'Database', value: server.database },
    { name: 'Role', value: server.role },
    { name: 'Takes writes', value: server.is_replica ? 'no, it is a replica' : 'yes' },
    {
      name: 'Running for',
      value: server.started_at === null ? null : roughly(now - Date.parse(server.started_at)),
    },
    ...(migrations ?? []).map(({ name, applied_at: at }) => ({
      name: `Schema ${name}`,
      value: at === null ? 'applied' : at.slice(0, 10),
    })),
  ]
  return (
    <Panel title="Server">
      <Facts facts={facts} label="Server and schema" />
    </Panel>
  )
}

const outcomes: Readonly<Record<string, { readonly aspect: Aspect; readonly text: string }>> = {
  ok: { aspect: 'clear', text: 'went well' },
  running: { aspect: 'off', text: 'running' },
  failed: { aspect: 'danger', text: 'failed' },
  abandoned: { aspect: 'caution', text: 'abandoned' },
}

/** Retention, backups and whatever else runs by itself. */
export function Jobs({ data }: PanelProps) {
  const { job_history: history } = data
  if (history === null)
    return (
      <Panel title="Jobs">
        <Absent data={data} part="jobs" />
      </Panel>
    )
  return (
    <Panel title="Jobs" note={history.length === 0 ? undefined : 'newest first'}>
      {history.length === 0 ? (
        <p className="px-3 py-4 text-sm text-soft">No job has run yet.</p>
      ) : (
        <DataTable
          caption="Runs of jobs, newest first"
          rows={history.map((run, place) => ({ ...run, place }))}
          keyOf={(run) => String(run.place)}
          columns={[
            { name: 'Job', cell: (run) => run.name },
            { name: 'Result', cell: (run) => <Outcome name={run.outcome} />, className: 'w-28' },
            {
              name: 'Began',
              cell: (run) => (run.started_at === null ? '–' : fullTime(run.started_at)),
              className: 'hidden w-44 sm:table-cell',
            },
            {
              name: 'Took',
              cell: (run) => (run.seconds === null ? '–' : duration(Math.max(0, Math.round(run.seconds * 1000)))),
              className: 'w-20',
              number: true,
            },
            { name: 'Did', cell: (run) => run.error ?? didOf(run.counts), className: 'hidden md:table-cell' },
            { name: 'Instance', cell: (run) => run.instance, className: 'hidden w-40 xl:table-cell' },
          ]}
        />
      )}
    </Panel>
  )
}

function Outcome({ name }: { name: string }) {
  const { aspect, text } = outcomes[name] ?? { aspect: 'off' as const, text: name }
  return (
    <span className="inline-flex items-center gap-1.5">
      <Lamp aspect={aspect} />
      {text}
    </span>
  )
}

function didOf(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, value]) => {
    const words = name.replaceAll('_', ' ')
    return name.endsWith('bytes') ? `${words} ${bytes(value)}` : `${words} ${count(value)}`
  })
  return parts.length === 0 ? '–' : parts.join(', ')
}
