import type { Database } from '../../../../src/contract/database.ts'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Lamp } from '../../ui/lamp.tsx'
import { Panel } from '../../ui/panel.tsx'
import { aspectOf } from './summary.ts'

const levelWords = { warn: 'Warning', critical: 'Critical' } as const

/** What needs a person: findings, and what can not be seen with the statement that changes it. Nothing where all is well. */
export function Attention({ data: { findings, gaps } }: { data: Database }) {
  if (findings.length === 0 && gaps.length === 0) return null
  return (
    <Panel title="Needs a look">
      <ul className="divide-y divide-line text-sm">
        {findings.map((finding) => (
          <li key={finding.code + finding.text} className="flex items-baseline gap-2.5 px-3 py-2">
            <span className="translate-y-px">
              <Lamp aspect={aspectOf[finding.level]} />
            </span>
            <span className="sr-only">{levelWords[finding.level]}: </span>
            <span className="min-w-0 break-words">{finding.text}</span>
          </li>
        ))}
        {gaps.map((gap) => (
          <li key={gap.part + gap.reason} className="grid gap-1.5 px-3 py-2">
            <p className="flex items-baseline gap-2.5">
              <span className="translate-y-px">
                <Lamp aspect="off" />
              </span>
              <span className="min-w-0 break-words">
                <span className="font-medium">{partNames[gap.part] ?? gap.part}:</span> {gap.reason}
              </span>
            </p>
            {gap.fix !== null && (
              <CopyLine text={gap.fix} label={`the statement for ${partNames[gap.part] ?? gap.part}`} />
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** The parts of the answer as people call them. */
export const partNames: Readonly<Record<string, string>> = {
  connections: 'Connections',
  activity: 'Running statements',
  traffic: 'Counters',
  wal: 'Write-ahead log',
  io: 'Reads and writes',
  replication: 'Replication',
  transaction_ids: 'Transaction ids',
  size: 'Size and growth',
  tables: 'Tables',
  indexes: 'Indexes',
  partitions: 'Partitions',
  statements: 'Slowest statements',
  rollups: 'Rollups',
  jobs: 'Jobs',
  migrations: 'Migrations',
}
