import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryDataDir } from '../../test/support/postgres.ts'
import type { Clock } from '../core/clock.ts'
import { lockDataDir } from './lock-data-dir.ts'
import { processIncarnation } from './process-identity.ts'

let dir: string
let other: ChildProcess | undefined

beforeEach(async () => {
  dir = await temporaryDataDir()
})

afterEach(async () => {
  other?.kill('SIGKILL')
  other = undefined
  await rm(dir, { recursive: true, force: true })
})

const lockFile = () => path.join(dir, 'signalbox.lock')

async function leaveLock(changes: Record<string, unknown>) {
  const holder = { token: randomUUID(), pid: 999_999_999, incarnation: null, host: hostname(), ...changes }
  await writeFile(lockFile(), JSON.stringify(holder))
  return holder
}

async function otherProcess(): Promise<number> {
  other = spawn('sleep', ['60'], { stdio: 'ignore' })
  await new Promise((resolve) => other?.once('spawn', resolve))
  return other.pid ?? 0
}

test('a second instance is refused, with the process that has the directory', async () => {
  const lock = await lockDataDir(dir)
  await expect(lockDataDir(dir)).rejects.toMatchObject({
    code: 'data_dir_locked',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  await lock.release()
  await lock.release()
  await (await lockDataDir(dir)).release()
  expect(await readdir(dir)).toEqual([])
})

test('the lock of a living process holds', async () => {
  const pid = await otherProcess()
  await leaveLock({ pid, incarnation: await processIncarnation(pid) })
  await expect(lockDataDir(dir)).rejects.toMatchObject({ code: 'data_dir_locked' })
})

test.each([
  ['a process that is gone', async () => ({})],
  ['a process whose id another one has now', async () => ({ pid: await otherProcess(), incarnation: 'boot:1' })],
  ['an earlier process with our own id (a container that was restarted)', async () => ({ pid: process.pid })],
])('the lock of %s is taken over', async (_name, holder) => {
  await leaveLock(await holder())
  const lock = await lockDataDir(dir)
  expect(JSON.parse(await readFile(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid })
  await lock.release()
})

test('a torn lock file is taken over', async () => {
  await writeFile(lockFile(), '{"tok')
  await (await lockDataDir(dir)).release()
})

test('the lock of another host holds as long as its heart beats', async () => {
  await leaveLock({ host: 'elsewhere', pid: 1 })
  const writtenAt = (await stat(lockFile())).mtimeMs
  const at = (now: number): Clock => ({ now: () => now, monotonic: () => 0 })
  await expect(lockDataDir(dir, { clock: at(writtenAt + 10_000) })).rejects.toThrow('on host elsewhere')
  await (await lockDataDir(dir, { clock: at(writtenAt + 30_000) })).release()
})

test('of many instances that find a stale lock at once, exactly one gets the directory', async () => {
  for (let round = 0; round < 100; round++) {
    await leaveLock({})
    const answers = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDir(dir)))
    const won = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    expect(won).toHaveLength(1)
    await won[0]?.release()
    expect(await readdir(dir)).toEqual([])
  }
})

test('the successor of a stale lock that died before it was done is succeeded in turn', async () => {
  const stale = await leaveLock({})
  const claimant = { ...stale, token: randomUUID() }
  await writeFile(path.join(dir, `.lock-after-${stale.token}`), JSON.stringify(claimant))
  const lock = await lockDataDir(dir)
  expect(await readdir(dir)).toEqual(['signalbox.lock'])
  await expect(lockDataDir(dir)).rejects.toThrow('Another Signalbox')
  await lock.release()
  expect(await readdir(dir)).toEqual([])
})

test('a directory that can not be made is an error that says so', async () => {
  await writeFile(path.join(dir, 'file'), '')
  await expect(lockDataDir(path.join(dir, 'file', 'data'))).rejects.toMatchObject({
    code: 'data_dir_unusable',
    message: expect.stringContaining('can not be used'),
  })
})
