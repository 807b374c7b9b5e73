import type { Sql } from '../../sql.ts'
import { isoSql } from './iso-sql.ts'

interface Run {
  readonly name: string
  readonly outcome: string
  readonly instance: string
  readonly started_at: string | null
  readonly finished_at: string | null
  readonly seconds: number | null
  readonly counts: Record<string, number>
  readonly error: string | null
}

const historyLimit = 30
const columns = `name, outcome, instance, ${isoSql('started_at')} AS started_at, ${isoSql('finished_at')} AS finished_at,
  extract(epoch FROM coalesce(finished_at, now()) - started_at) AS seconds, counts, error`

/** The last run of each job, when it last went well, and what ran lately. */
export async function jobs(sql: Sql) {
  const latest = await sql.query<Run & { last_success_at: string | null }>(
    'database-jobs',
    `SELECT DISTINCT ON (name) ${columns},
       ${isoSql(`(SELECT max(finished_at) FROM job_runs AS good WHERE good.name = job_runs.name AND good.outcome = 'ok')`)}
         AS last_success_at
     FROM job_runs ORDER BY name, job_runs.started_at DESC, id DESC LIMIT 50`,
  )
  const history = await sql.query<Run>(
    'database-job-history',
    `SELECT ${columns} FROM job_runs ORDER BY job_runs.started_at DESC, id DESC LIMIT ${historyLimit}`,
  )
  return { latest, history }
}
