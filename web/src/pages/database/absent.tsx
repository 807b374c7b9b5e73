import type { Database } from '../../../../src/contract/database.ts'

/** Stands in a panel whose part did not come, and says why. */
export function Absent({ data, part }: { data: Database; part: string }) {
  const gap = data.gaps.find((one) => one.part === part)
  const reason = !data.up ? 'The database does not answer.' : (gap?.reason ?? 'This server does not tell.')
  return (
    <p className="px-3 py-4 text-sm text-soft">
      {reason}
      {gap?.fix != null && ' The statement that helps stands above.'}
    </p>
  )
}
