import type { Database } from '../../../../src/contract/database.ts'
import { bytes, count, duration, percent, roughly } from '../../format.ts'
import { DataTable } from '../../ui/data-table.tsx'
import { type Fact, Facts } from '../../ui/facts.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel } from '../../ui/panel.tsx'
import { useNow } from '../../ui/use-now.ts'
import { Absent } from './absent.tsx'

interface PanelProps {
  data: Database
}

const warnShare = 0.8
const criticalShare = 0.9

/** How many of the server's places are taken, and by whom. */
export function Connections({ data }: PanelProps) {
  const { connections, pool } = data
  if (connections === null)
    return (
      <Panel title="Connections">
        <Absent data={data} part="connections" />
      </Panel>
    )
  const { used, max, reserved, ours, others, by_state } = connections
  const share = used / max
  const tone = share > criticalShare ? 'fill-danger' : share > warnShare ? 'fill-caution' : 'fill-series'
  const facts: Fact[] = [
    ...ours.map(({ purpose, connections: number }) => ({ name: `Signalbox, ${purpose}`, value: count(number) })),
    { name: 'Others', value: count(others) },
    ...by_state.map(({ state, connections: number }) => ({ name: `State ${state}`, value: count(number) })),
    { name: 'Kept back for superusers', value: count(reserved) },
    {
      name: 'Pool of this process',
      value: `${count(pool.used)} at work, ${count(pool.idle)} idle, at most ${count(pool.max)}`,
    },
    { name: 'Statements waiting for the pool', value: count(pool.waiting) },
    { name: 'Wait for the pool, p95', value: pool.wait_p95_ms === null ? null : duration(pool.wait_p95_ms) },
  ]
  return (
    <Panel title="Connections" note={`${count(used)} of ${count(max)}`}>
      <div className="px-3 py-3">
        {/* Drawn, because the page's policy allows no inline styles; the words below say the same. */}
        <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" className="h-3 w-full bg-track">
          <rect width={Math.min(100, Math.max(0.5, share * 100))} height="1" className={tone} />
        </svg>
        <p className="mt-1 text-[0.8125rem] text-soft">
          {percent(share)} in use; a warning from {percent(warnShare)}, critical from {percent(criticalShare)}
        </p>
      </div>
      <Facts facts={facts} label="Connections by purpose and state" />
    </Panel>
  )
}

/** The counters of our database since they began. */
export function Counters({ data }: PanelProps) {
  const { traffic, transaction_ids: ids, io } = data
  if (traffic === null)
    return (
      <Panel title="Counters">
        <Absent data={data} part="traffic" />
      </Panel>
    )
  const facts: Fact[] = [
    { name: 'Found in memory', value: traffic.cache_hit_ratio === null ? null : percent(traffic.cache_hit_ratio) },
    { name: 'Commits', value: count(traffic.commits) },
    {
      name: 'Commits a second',
      value: traffic.commits_per_second === null ? null : traffic.commits_per_second.toFixed(1),
    },
    {
      name: 'Rolled back',
      value: `${count(traffic.rollbacks)}${traffic.rollback_ratio === null ? '' : ` (${percent(traffic.rollback_ratio)})`}`,
    },
    { name: 'Deadlocks', value: count(traffic.deadlocks), aspect: traffic.deadlocks > 0 ? 'caution' : undefined },
    { name: 'Temporary files', value: `${count(traffic.temp_files)}, ${bytes(traffic.temp_bytes)}` },
    {
      name: 'Failed checksums',
      value: traffic.checksum_failures === null ? 'checksums are off' : count(traffic.checksum_failures),
      aspect: (traffic.checksum_failures ?? 0) > 0 ? 'danger' : undefined,
    },
    { name: 'Transaction ids used up', value: ids === null ? null : percent(ids.ratio) },
    { name: 'Blocks read', value: io === null ? count(traffic.blocks_read) : count(io.reads) },
    { name: 'Blocks written', value: io === null ? 'told from PostgreSQL 16 on' : count(io.writes) },
    ...(io === null || io.read_ms === null || io.write_ms === null
      ? []
      : [{ name: 'Spent on them', value: `${duration(io.read_ms)} reading, ${duration(io.write_ms)} writing` }]),
  ]
  return (
    <Panel title="Counters" note={<Since at={traffic.stats_since} />}>
      <Facts facts={facts} label="Counters of the database" />
    </Panel>
  )
}

function Since({ at }: { at: string | null }) {
  const now = useNow(at === null)
  return at === null ? 'since it was made' : `of the last ${roughly(now - Date.parse(at))}`
}

/** What is written ahead, and the checkpoints. */
export function WriteAhead({ data }: PanelProps) {
  const { wal } = data
  if (wal === null)
    return (
      <Panel title="Write-ahead log">
        <Absent data={data} part="wal" />
      </Panel>
    )
  const whenKnown = (value: number | null, write: (known: number) => string): string | null =>
    value === null ? null : write(value)
  const timed = wal.checkpoints_timed ?? 0
  const requested = wal.checkpoints_requested ?? 0
  const facts: Fact[] = [
    { name: 'Written', value: whenKnown(wal.bytes, bytes) },
    { name: 'Written a second', value: whenKnown(wal.bytes_per_second, (rate) => bytes(Math.round(rate))) },
    { name: 'Full pages', value: whenKnown(wal.full_page_images, count) },
    { name: 'Checkpoints on time', value: whenKnown(wal.checkpoints_timed, count) },
    {
      name: 'Checkpoints asked for',
      value: whenKnown(wal.checkpoints_requested, count),
      aspect: requested > 10 && requested > timed ? 'caution' : undefined,
    },
    { name: 'Buffers written by them', value: whenKnown(wal.checkpoint_buffers, count) },
    { name: 'Time spent writing', value: whenKnown(wal.checkpoint_write_ms, duration) },
    { name: 'Time spent syncing', value: whenKnown(wal.checkpoint_sync_ms, duration) },
  ]
  return (
    <Panel title="Write-ahead log and checkpoints" note={<Since at={wal.wal_since} />}>
      <Facts facts={facts} label="Write-ahead log and checkpoints" />
    </Panel>
  )
}

/** What runs, the longest first, and who waits for whom. */
export function Activity({ data }: PanelProps) {
  const { activity } = data
  if (activity === null)
    return (
      <Panel title="Running statements">
        <Absent data={data} part="activity" />
      </Panel>
    )
  const { running, blocked } = activity
  const idle = activity.idle_in_transaction
  return (
    <Panel
      title="Running statements"
      note={`${count(running.length)} at work, ${count(idle)} idle in a transaction, ${count(blocked.length)} waiting for a lock`}
    >
      {running.length === 0 ? (
        <p className="px-3 py-4 text-sm text-soft">Nothing runs right now.</p>
      ) : (
        <DataTable
          caption="Running statements, longest first"
          rows={running}
          keyOf={(row) => String(row.pid)}
          columns={[
            { name: 'Session', cell: (row) => `${row.pid} ${row.application}` },
            { name: 'Role', cell: (row) => row.role ?? '–', className: 'hidden w-36 lg:table-cell' },
            { name: 'State', cell: (row) => row.state ?? '–', className: 'hidden w-40 sm:table-cell' },
            { name: 'Waits for', cell: (row) => row.waits_for ?? '–', className: 'hidden w-44 md:table-cell' },
            { name: 'Statement', cell: (row) => lasted(row.statement_seconds), className: 'w-24', number: true },
            {
              name: 'Transaction',
              cell: (row) => lasted(row.transaction_seconds),
              className: 'hidden w-26 sm:table-cell',
              number: true,
            },
          ]}
          detail={(row) => <Query text={row.query} />}
        />
      )}
      {blocked.length > 0 && (
        <ul aria-label="Waiting for a lock" className="divide-y divide-line border-t border-line text-sm">
          {blocked.map((row) => (
            <li key={row.pid} className="grid gap-1 px-3 py-2">
              <p className="flex items-baseline gap-2">
                <Lamp aspect="caution" />
                <span>
                  Session {row.pid} waits {lasted(row.seconds)} for {row.blocked_by.join(', ')}
                  {row.lock === null ? '' : ` (${row.lock})`}
                </span>
              </p>
              <Query text={row.query} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

const lasted = (seconds: number | null): string => (seconds === null ? '–' : duration(Math.max(0, seconds * 1000)))

const shortLength = 140

/** A statement without its literals; a long one opens. */
export function Query({ text }: { text: string | null }) {
  const style = 'font-mono text-[0.8125rem] leading-5 wrap-anywhere text-soft'
  if (text === null) return <p className="text-[0.8125rem] text-soft">The role may not see its text.</p>
  if (text.length <= shortLength) return <code className={`block ${style}`}>{text}</code>
  return (
    <details>
      <summary className={`min-h-6 hover:text-ink ${style}`}>{text.slice(0, shortLength)}…</summary>
      <code className={`mt-1 block border-s-2 border-line ps-2 ${style}`}>{text}</code>
    </details>
  )
}

/** Replicas and the slots that keep log files for them. */
export function Copies({ data }: PanelProps) {
  const { replication } = data
  if (replication === null)
    return (
      <Panel title="Replication">
        <Absent data={data} part="replication" />
      </Panel>
    )
  const { replicas, slots, replay_lag_seconds: own } = replication
  if (replicas.length === 0 && slots.length === 0 && own === null) {
    return (
      <Panel title="Replication">
        <p className="px-3 py-4 text-sm text-soft">
          {data.kind === 'embedded'
            ? 'The embedded database has no replicas. For one, set DATABASE_URL to a server of your own.'
            : 'This server has no replicas and no slots.'}
        </p>
      </Panel>
    )
  }
  const facts: Fact[] = [
    ...(own === null ? [] : [{ name: 'This replica is behind', value: duration(own * 1000) }]),
    ...replicas.map((one) => ({
      name: `Replica ${one.name}`,
      value: `${one.state ?? 'unknown'}, ${one.lag_seconds === null ? 'no lag' : `${duration(one.lag_seconds * 1000)} behind`}`,
    })),
    ...slots.map((one) => ({
      name: `Slot ${one.name}`,
      value: `${one.active ? 'read' : 'not read by anybody'}${one.retained_bytes === null ? '' : `, keeps ${bytes(one.retained_bytes)}`}`,
      aspect: one.active ? undefined : ('caution' as const),
    })),
  ]
  return (
    <Panel title="Replication">
      <Facts facts={facts} label="Replicas and slots" />
    </Panel>
  )
}
