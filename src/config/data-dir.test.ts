import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { prepareDataDir } from './data-dir.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'signalbox-data-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const modeOf = (dir: string): number => statSync(dir).mode & 0o777

test('makes the directory and its parents, for its owner alone', () => {
  prepareDataDir(path.join(root, 'a/b/c'), false)
  expect(modeOf(path.join(root, 'a/b/c'))).toBe(0o700)
})

test('run as root it can be passed through, not listed', () => {
  prepareDataDir(path.join(root, 'a'), true)
  expect(modeOf(path.join(root, 'a'))).toBe(0o711)
  mkdirSync(path.join(root, 'b'), { mode: 0o700 })
  prepareDataDir(path.join(root, 'b'), true)
  expect(modeOf(path.join(root, 'b'))).toBe(0o711)
})

test('leaves the mode of a directory that is there', () => {
  const dir = path.join(root, 'a')
  mkdirSync(dir)
  chmodSync(dir, 0o750)
  prepareDataDir(dir, false)
  expect(modeOf(dir)).toBe(0o750)
})

test('says what is wrong with the place', () => {
  writeFileSync(path.join(root, 'file'), '')
  expect(() => prepareDataDir(path.join(root, 'file'))).toThrow(/file is a file\. Set DATA_DIR to a directory/)
  expect(() => prepareDataDir(path.join(root, 'file/below'))).toThrow(/is not a directory, or is below a file/)
})

// Node's own recursive mkdir spins for ever here.
test.runIf(process.platform === 'linux')('gives up where nothing can be made', () => {
  expect(() => prepareDataDir('/proc/signalbox/data')).toThrow(/can not be created|can not be used|not writable/)
})

test.skipIf(process.getuid?.() === 0)('says that it is not writable', () => {
  chmodSync(root, 0o500)
  expect(() => prepareDataDir(path.join(root, 'a'))).toThrow(
    /is not writable for this user\. Change its owner, or set DATA_DIR/,
  )
})
