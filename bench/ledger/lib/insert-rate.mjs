// @ts-check
/** How fast exchanges become rows: the recorder from the journal on, and the writer alone. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nextMessage, startModule, stop } from '../../lib/processes.mjs'
import { rounded, slope } from '../../lib/stats.mjs'

const runner = fileURLToPath(new URL('../recorder-run.mjs', import.meta.url))

/**
 * @param {import('./servers.mjs').Server} server
 * @param {{ mode: 'recorder' | 'writer', rows: number, dist: string, dir: string, until: number, pool: import('pg').Pool }} options
 */
export async function insertRate(server, { mode, rows, dist, dir, until, pool }) {
  const place = path.join(dir, mode)
  mkdirSync(place, { recursive: true })
  const args = ['--dist', dist, '--url', server.url, '--dir', place, '--mode', mode, '--rows', String(rows)]
  const child = startModule(runner, { args: [...args, '--until', String(until)], nodeArgs: ['--expose-gc'] })
  try {
    await nextMessage(child, (message) => message.ready)
    await pool.query('checkpoint')
    const walBefore = await walPosition(pool)
    const cpuBefore = serverCpuSeconds(server)
    const finished = nextMessage(child, (message) => message.done)
    child.send({ go: true })
    const done = await finished
    const databaseCpu = serverCpuSeconds(server) - cpuBefore
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.send({ end: true })
    const wal = await walPosition(pool)
    await Promise.race([gone, wait(5_000)])
    return {
      mode,
      rows,
      inserted: done.inserted,
      seconds: rounded(done.seconds),
      perSecond: Math.round(rows / done.seconds),
      cpuUsPerExchange: {
        process: rounded((done.cpuSeconds * 1e6) / rows, 3),
        postgres: rounded((databaseCpu * 1e6) / rows, 3),
      },
      walBytesPerExchange: Math.round((wal - walBefore) / rows),
      memory: memoryOf(done.memory),
    }
  } finally {
    await stop(child)
  }
}

/** CPU time of the server, of its children that have ended (cleaners come and go) as well. @param {import('./servers.mjs').Server} server */
function serverCpuSeconds(server) {
  const [postmaster, ...children] = server.pids()
  const ticks = (/** @type {number | undefined} */ pid, /** @type {readonly number[]} */ fields) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const values = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return fields.reduce((sum, field) => sum + Number(values[field]), 0)
    } catch {
      return 0 // the process is gone
    }
  }
  // Fields 14 to 17 of proc(5): user and system time, and those of children that were waited for; in hundredths of a second.
  return (ticks(postmaster, [11, 12, 13, 14]) + children.reduce((sum, pid) => sum + ticks(pid, [11, 12]), 0)) / 100
}

/** @param {{ at: number, bytes: number, rows: number }[]} looks */
function memoryOf(looks) {
  const mib = (/** @type {number} */ bytes) => rounded(bytes / 2 ** 20)
  // The first fifth fills queues and warms up; what grows after it would go on growing.
  const total = looks.at(-1)?.rows ?? 0
  const settled = looks.filter((look) => look.rows >= total / 5)
  const growth = settled.length < 3 ? 0 : slope(settled.map((look) => /** @type {const} */ ([look.rows, look.bytes])))
  return {
    beforeMiB: mib(looks[0]?.bytes ?? 0),
    peakMiB: mib(Math.max(...looks.map((look) => look.bytes))),
    endMiB: mib(looks.at(-1)?.bytes ?? 0),
    growthMiBPer100k: rounded((growth * 100_000) / 2 ** 20, 3),
  }
}

/** @param {import('pg').Pool} pool */
async function walPosition(pool) {
  const { rows } = await pool.query(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes`)
  return Number(rows[0].bytes)
}

/**
 * Rollups and histograms against the rows of a stretch of time; throws where they differ.
 * @param {import('pg').Pool} pool
 */
export async function checkSums(pool) {
  const { rows } = await pool.query(`
    SELECT (SELECT count(*) FROM api_requests) AS rows, (SELECT sum(cost_usd) FROM api_requests) AS cost,
      ${['minute', 'hour', 'day'].map((tier) => `(SELECT sum(requests) FROM rollup_${tier}) AS ${tier}, (SELECT sum(cost_usd) FROM rollup_${tier}) AS ${tier}_cost`).join(', ')}`)
  const [sums] = rows
  for (const tier of ['minute', 'hour', 'day']) {
    if (sums[tier] !== sums.rows || sums[`${tier}_cost`] !== sums.cost)
      throw new Error(`rollup_${tier} differs from the ledger: ${JSON.stringify(sums)}`)
  }
  return Number(sums.rows)
}
