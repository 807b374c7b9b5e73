// A disk that takes nothing more and a backlog that is full: a real journal, a real full disk, a real database.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createSignalbox } from '../src/app/signalbox.ts'
import { configSchema } from '../src/config/schema.ts'
import { call, type SeenCall } from './support/callers.ts'
import { createTestDatabase } from './support/postgres.ts'
import { startSimulatedUpstream } from './support/simulated-upstream.ts'
import { until } from './support/until.ts'

const maxBacklogBytes = 64 * 1024

test('a full disk and a full backlog: new calls get 529, calls under way are recorded, and it ends by itself', async ({
  skip,
}) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'signalbox-backlog-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const disk = path.join(folder, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    skip('mounting a small file system takes root')
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', disk]))
  const [database, upstream] = [await createTestDatabase(), await startSimulatedUpstream()]
  onTestFinished(() => database.drop())
  onTestFinished(() => upstream.stop())
  const lines: string[] = []
  const signalbox = await createSignalbox({
    config: configSchema.parse({
      dataDir: path.join(folder, 'data'),
      http: { proxyPort: 0, dashboardPort: 0 },
      journal: { directory: path.join(disk, 'journal'), maxBacklogBytes },
      store: { databaseUrl: database.url },
      providers: { default: 'simulated', simulated: { baseUrl: upstream.url } },
    }),
    stdout: new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  })
  onTestFinished(() => signalbox.stop({ graceMs: 1_000 }))
  const said = (event: string): boolean => lines.some((line) => line.includes(`"event":"${event}"`))
  const send = (options: Parameters<typeof call>[1] = {}): Promise<SeenCall> => call(signalbox.proxyUrl, options)

  const completed: SeenCall[] = [await send()]
  expect(completed[0]).toMatchObject({ status: 200, complete: true })

  // Calls that are under way when nothing can be recorded any more, and end after that.
  let heads = 0
  const streams = Array.from({ length: 6 }, () =>
    send({ stream: true, simulate: 'ttft=0;output-tokens=120;tps=20', onHead: () => (heads += 1) }),
  )
  await until('the streams are open', () => heads === streams.length)
  const ballast = path.join(disk, 'ballast')
  expect(() => writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024))).toThrow('ENOSPC')

  const refused = await until('a call is refused', async () => {
    const seen = await send()
    if (seen.status === 200) completed.push(seen)
    expect(completed.length).toBeLessThan(200)
    return seen.status !== 200 && seen
  })
  expect(refused).toMatchObject({ status: 529, complete: true })
  expect(said('journal_write_failed')).toBe(true)
  expect(signalbox.dataPlane.journalState()).toMatchObject({ healthy: false })
  expect(signalbox.dataPlane.journalState().backlogBytes).toBeLessThanOrEqual(maxBacklogBytes)
  const response = await fetch(`${signalbox.proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-x', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
  })
  expect([response.status, response.headers.get('retry-after')]).toEqual([529, '5'])
  expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } })
  // Who is refused tries again, many times; that must not take the room of those who were let in.
  const again = await Promise.all(Array.from({ length: 100 }, () => send()))
  expect(again.map(({ status }) => status)).toEqual(again.map(() => 529))
  completed.push(...(await Promise.all(streams)))
  for (const seen of completed) expect(seen).toMatchObject({ status: 200, complete: true })
  // What can not be recorded was not sent.
  expect(upstream.served().length).toBe(completed.length)

  rmSync(ballast)
  completed.push(
    await until('calls are taken again', async () => {
      const seen = await send()
      return seen.status === 200 && seen
    }),
  )
  await until('the journal is written again', () => said('journal_recovered'))
  const ids = completed.map(({ id }) => id)
  const rows = await until('every completed call is in the ledger', async () => {
    const found = await signalbox.office.store.queries.recentExchanges({
      ...{ from: 0, to: Date.now() + 60_000, after: null, limit: 500, filter: {} },
    })
    const ok = found.filter(({ outcome }) => outcome === 'ok').map(({ id }) => id)
    return ids.every((id) => id !== null && ok.includes(id)) && ok
  })
  expect([...rows].sort()).toEqual([...ids].sort())
})
