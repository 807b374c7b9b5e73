import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { backupPath, dropOldBackups, prepareBackupDir, writeWholeFile } from './backup-file.ts'

let dir: string
const now = systemClock.now()

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'signalbox-backup-file-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('a directory gets one named after the time', async () => {
  expect(await backupPath(dir, Date.UTC(2026, 0, 2, 3, 4, 5))).toBe(path.join(dir, 'signalbox-20260102T030405Z.tar.gz'))
  expect(await backupPath(path.join(dir, 'one'), now)).toBe(path.join(dir, 'one'))
})

test('the newest are kept, and files of others always', async () => {
  const ours = [1, 2, 3, 4].map((day) => `signalbox-2026010${day}T000000Z.tar.gz`)
  const others = [
    'signalbox-20250101.tar.gz',
    'notes.txt',
    '.signalbox-x.partial',
    'signalbox-20240101T000000Z.tar.gz.md5',
  ]
  for (const name of [...ours, ...others]) await writeFile(path.join(dir, name), '')
  expect(await dropOldBackups(dir, 2, now)).toBe(2)
  expect((await readdir(dir)).toSorted()).toEqual([...others, ...ours.slice(2)].toSorted())
})

test('what an interrupted backup left is deleted once nobody can be at it any more', async () => {
  const left = (n: number): string =>
    `.signalbox-20260101T000000Z.tar.gz.01990000-0000-7000-8000-00000000000${n}.partial`
  const [old, young] = [left(1), left(2)]
  for (const name of [old, young]) await writeFile(path.join(dir, name), '')
  const twoDaysAgo = new Date(now - 2 * 86_400_000)
  await utimes(path.join(dir, old), twoDaysAgo, twoDaysAgo)
  expect(await dropOldBackups(dir, 2, now)).toBe(0)
  expect(await readdir(dir)).toEqual([young])
})

test('one that fails at once leaves nothing either', async () => {
  for (let turn = 0; turn < 20; turn++) {
    const failing = writeWholeFile(path.join(dir, 'one'), now, () => Promise.reject(new Error('no ledger')))
    await expect(failing).rejects.toThrow('no ledger')
  }
  expect(await readdir(dir)).toEqual([])
})

test('one that fails leaves the file of that name, and nothing else', async () => {
  const file = path.join(dir, 'one')
  await writeFile(file, 'before')
  const failing = writeWholeFile(file, now, async (out) => {
    await new Promise((resolve) => out.write('half', resolve))
    throw new Error('the database is away')
  })
  await expect(failing).rejects.toThrow('the database is away')
  expect(await readdir(dir)).toEqual(['one'])
  expect(await readFile(file, 'utf8')).toBe('before')
  await expect(writeWholeFile(path.join(dir, 'no', 'one'), now, async () => undefined)).rejects.toThrow(
    'There is no directory',
  )
})

test('a backup directory is made with its parents, and one that can not be made is an error and no endless loop', async () => {
  const deep = path.join(dir, 'a', 'b')
  await prepareBackupDir(deep)
  await prepareBackupDir(deep)
  expect((await stat(deep)).mode & 0o777).toBe(0o700)
  if (process.platform === 'linux') await expect(prepareBackupDir('/proc/no/where')).rejects.toThrow('ENOENT')
})
