// Ctrl-C, and Ctrl-C once more by somebody who does not want to wait.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { call } from '../support/callers.ts'
import { freePort, isRunning, killQuietly, processesOf, spawnSignalbox } from '../support/signalbox-process.ts'
import { startSimulatedUpstream } from '../support/simulated-upstream.ts'
import { until } from '../support/until.ts'

/** Two signals closer than this are one press of the key. */
const samePressMs = 500

test('the second Ctrl-C cuts the open streams and leaves no worker behind', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'signalbox-stop-'))
  const upstream = await startSimulatedUpstream()
  onTestFinished(async () => {
    // The database server stays for the next start; here there is none.
    await until('every process of the test is gone', () => {
      const left = processesOf(dataDir)
      for (const pid of left) killQuietly(pid, 'SIGKILL')
      return left.length === 0
    })
    await upstream.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  const signalbox = spawnSignalbox({
    dataDir,
    proxyPort: await freePort(),
    dashboardPort: await freePort(),
    env: { DEFAULT_PROVIDER: 'simulated', SIMULATED_UPSTREAM_URL: upstream.url },
  })
  await signalbox.ready()
  let open = false
  const simulate = 'ttft=0;output-tokens=2000;tps=20'
  const onHead = (): void => {
    open = true
  }
  const stream = call(signalbox.proxyUrl, { stream: true, simulate, onHead })
  await until('the stream is open', () => open)
  const workers = signalbox.workers()
  expect(workers).toHaveLength(1)

  signalbox.signal('SIGINT')
  await until('it drains', () => signalbox.output().includes('Stopping: no new calls'))
  await wait(samePressMs + 200)
  expect(signalbox.hasExited()).toBe(false)
  signalbox.signal('SIGINT')
  expect(await signalbox.exit).toEqual({ code: 1, signal: null })
  expect(signalbox.output()).toContain('Stopped at once: open streams are cut.')
  expect(await stream).toMatchObject({ complete: false })
  await until('the worker is gone', () => !workers.some(isRunning), 10_000)
})
