import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const project = fileURLToPath(new URL('..', import.meta.url))
const script = path.join(project, 'scripts/build.mjs')

/** A small tree of its own that is built by the real script with the real compiler. */
let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'signalbox-build-'))
  mkdirSync(path.join(root, 'src'))
  symlinkSync(path.join(project, 'node_modules'), path.join(root, 'node_modules'))
  for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package.json'])
    cpSync(path.join(project, file), path.join(root, file))
  source('main', "#!/usr/bin/env node\nimport { word } from './word.ts'\n\nprocess.stdout.write(word)\n")
  source('word', "export const word: string = 'first'\n")
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const source = (name: string, text: string): void => writeFileSync(path.join(root, `src/${name}.ts`), text)
const built = (name: string): string => path.join(root, 'dist', name)

function run(file: string, args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(file, args, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }))
  })
}
const build = () => run(process.execPath, [script, '--root', root])

test('builds what can be run, and nothing more while nothing changes', async () => {
  expect(await build()).toEqual({ code: 0, out: '', err: 'built: server\n' })
  expect((await run(built('main.js'), [])).out).toBe('first')
  expect(await build()).toEqual({ code: 0, out: '', err: '' })
})

test('builds again after a change, and drops the output of a source that is gone', async () => {
  source('extra', 'export const extra = 1\n')
  await build()
  source('word', "export const word: string = 'second'\n")
  rmSync(path.join(root, 'src/extra.ts'))
  expect((await build()).err).toBe('built: server\n')
  expect((await run(built('main.js'), [])).out).toBe('second')
  expect(existsSync(built('extra.js'))).toBe(false)
})

test('does not compile for a new time stamp alone', async () => {
  await build()
  const before = statSync(built('word.js')).mtimeMs
  utimesSync(path.join(root, 'src/word.ts'), new Date(), new Date(Date.UTC(2030, 0)))
  expect((await build()).code).toBe(0)
  expect(statSync(built('word.js')).mtimeMs).toBe(before)
})

test('builds again where an output is missing', async () => {
  await build()
  rmSync(built('word.js'))
  expect((await build()).err).toBe('built: server\n')
  expect((await run(built('main.js'), [])).out).toBe('first')
})

test('says what does not compile, and tries again next time', async () => {
  source('word', 'export const word: string = 1\n')
  const failed = await build()
  expect(failed.code).toBe(1)
  expect(failed.err).toContain('The server does not compile (exit')
  expect(failed.err).toContain("src/word.ts(1,14): error TS2322: Type 'number' is not assignable to type 'string'.")
  expect((await build()).code).toBe(1)
  source('word', "export const word: string = 'mended'\n")
  expect((await build()).code).toBe(0)
  expect((await run(built('main.js'), [])).out).toBe('mended')
})

test('two at once take turns, and the second finds the work done', async () => {
  const said = (await Promise.all([build(), build(), build()])).map(({ code, err }) => ({ code, err }))
  expect(said.every(({ code }) => code === 0)).toBe(true)
  expect(said.filter(({ err }) => err === 'built: server\n').length).toBe(1)
  expect((await run(built('main.js'), [])).out).toBe('first')
})

test('the lock of a builder that died holds nobody up', async () => {
  const dead = execFile(process.execPath, ['-e', ''])
  await new Promise((resolve) => dead.once('exit', resolve))
  mkdirSync(built(''))
  writeFileSync(built('.build-lock'), String(dead.pid))
  expect((await build()).code).toBe(0)
  expect(existsSync(built('.build-lock'))).toBe(false)
})

test('a package without sources is taken as it is', async () => {
  await build()
  rmSync(path.join(root, 'src'), { recursive: true })
  chmodSync(built('main.js'), 0o755)
  expect(await build()).toEqual({ code: 0, out: '', err: '' })
  expect(readFileSync(built('main.js'), 'utf8')).toContain('#!/usr/bin/env node')
})
