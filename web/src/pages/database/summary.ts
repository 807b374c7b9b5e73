/** The first words of the database page. Pure. */
import type { Database } from '../../../../src/contract/database.ts'
import { bytes, count, duration, roughly } from '../../format.ts'
import type { Aspect } from '../../ui/lamp.tsx'

export interface Sentence {
  readonly aspect: Aspect
  readonly text: string
}

export const aspectOf = { ok: 'clear', warn: 'caution', critical: 'danger' } as const satisfies Record<
  Database['verdict'],
  Aspect
>

export function sentenceOf({ verdict, findings, gaps }: Database): Sentence {
  const aspect = aspectOf[verdict]
  const [first] = findings
  if (first === undefined) {
    const missing =
      gaps.length === 0 ? '' : ` ${gaps.length === 1 ? 'One part' : `${gaps.length} parts`} can not be read.`
    return { aspect, text: `The database is well.${missing}` }
  }
  const more = findings.length === 1 ? '' : ` And ${count(findings.length - 1)} more.`
  return { aspect, text: `${first.text}${more}` }
}

export interface SummaryTile {
  readonly name: string
  /** Null: not known. */
  readonly text: string | null
  readonly note: string
  readonly aspect: Aspect
}

const dayMs = 86_400_000

export function tilesOf(data: Database, now: number): SummaryTile[] {
  const { connections, size, recorder, rollups } = data
  const codes = new Set(data.findings.map(({ code }) => code))
  const aspect = (warns: readonly string[], isKnown = true): Aspect => {
    const found = data.findings.find(({ code }) => warns.includes(code) && codes.has(code))
    return found !== undefined ? aspectOf[found.level] : isKnown ? 'clear' : 'off'
  }
  const backup = data.last_backup_at
  return [
    {
      name: 'Connections',
      text: connections === null ? null : `${count(connections.used)} of ${count(connections.max)}`,
      note: connections === null ? 'not known' : `${count(connections.others)} not of Signalbox`,
      aspect: aspect(['connections_high', 'connections_exhausted'], connections !== null),
    },
    {
      name: 'Size',
      text: size === null ? null : bytes(size.database_bytes),
      note:
        size?.growth_bytes_per_day == null
          ? 'too early to tell its growth'
          : `+${bytes(size.growth_bytes_per_day)} a day`,
      aspect: aspect(['dead_rows'], size !== null),
    },
    {
      name: 'Disk full in',
      text: size?.days_to_full == null ? null : roughly(size.days_to_full * dayMs),
      note:
        size?.disk == null
          ? data.kind === 'server'
            ? 'a server does not tell'
            : 'not known'
          : `${bytes(size.disk.free_bytes)} free`,
      aspect: aspect(['disk_fills', 'disk_full_soon'], size?.days_to_full != null),
    },
    {
      name: 'Oldest unwritten record',
      text: recorder.lag_seconds === 0 ? 'none' : duration(Math.round(recorder.lag_seconds * 1000)),
      note: `${count(recorder.queue_rows)} waiting`,
      aspect: aspect(['ledger_behind', 'records_set_aside']),
    },
    {
      name: 'Rollup lag',
      text: rollups === null ? null : rollups.lag_seconds === 0 ? 'none' : duration(rollups.lag_seconds * 1000),
      note: 'written with the rows',
      aspect: aspect(['rollups_behind'], rollups !== null),
    },
    {
      name: 'Last backup',
      text: backup === null ? (data.jobs === null ? null : 'never') : `${roughly(now - Date.parse(backup))} ago`,
      note: backup === null ? 'signalbox backup FILE' : 'ended well',
      aspect: backup === null ? 'off' : aspect([]),
    },
  ]
}
