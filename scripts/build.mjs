#!/usr/bin/env node
// Builds what is stale: src/ to dist/ with tsc, web/ to dist/web with vite. When nothing changed it only looks at file
// sizes and times, some milliseconds. Two builds at once take turns. `--force` builds everything, `--root DIR` another tree.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const home = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const lockWaitMs = 180_000

/** Files that decide about both parts, besides the version of Node. */
const shared = ['package.json', 'package-lock.json', 'scripts/build.mjs']

/** @typedef {{ name: string, inputs: string[], has: string, output: string, leaveOut?: RegExp, run: (root: string) => Promise<void> }} Part */

/** @type {Part[]} */
const parts = [
  {
    name: 'server',
    inputs: ['src', 'tsconfig.json', 'tsconfig.build.json', ...shared],
    leaveOut: /\.test\.ts$/,
    has: 'src/main.ts',
    output: 'dist/main.js',
    run: buildServer,
  },
  {
    name: 'web',
    // The UI is typed from the contract and imports it.
    inputs: ['web', 'src/contract', ...shared],
    leaveOut: /\.test\.tsx?$/,
    has: 'web/index.html',
    output: 'dist/web/index.html',
    run: buildWeb,
  },
]

/** Builds the stale parts of a tree; throws an Error with the compiler's words where one fails. */
export async function build({ root = home, force = false } = {}) {
  // A shipped package has dist/ alone and nothing to build it from.
  const present = parts.filter((part) => existsSync(path.join(root, part.has)))
  if (!force && present.every((part) => isFresh(root, part))) return []
  mkdirSync(path.join(root, 'dist'), { recursive: true })
  const release = await lock(root)
  try {
    // Whoever held the lock before may have built the same.
    const stale = present.filter((part) => force || !isFresh(root, part))
    const results = await Promise.allSettled(stale.map((part) => buildPart(root, part)))
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.message] : []))
    if (failed.length > 0) throw new Error(failed.join('\n\n'))
    return stale.map((part) => part.name)
  } finally {
    release()
  }
}

/** @param {string} root @param {Part} part */
async function buildPart(root, part) {
  // What is written down is the state before the build: an edit during it makes the part stale again.
  const before = snapshot(root, part)
  const content = contentOf(root, before.files)
  const known = readStamp(root, part)
  // Times change without content (a fresh clone, a branch and back): then the result stands as it is.
  const same = known?.content === content && known.node === process.version && outputsStand(root, known)
  if (!same) {
    rmSync(stampFile(root, part), { force: true })
    await part.run(root)
  }
  const stamp = { node: process.version, glance: before.glance, content, outputs: outputsOf(root, part) }
  writeFileSync(stampFile(root, part), JSON.stringify(stamp))
}

/** @param {string} root */
async function buildServer(root) {
  // The compiler remembers what it wrote, not whether it is still there; a whole build takes a second.
  rmSync(path.join(root, 'dist/.tsbuildinfo'), { force: true })
  await tool(root, 'The server does not compile', 'typescript/bin/tsc', [
    '-p',
    'tsconfig.build.json',
    '--noEmitOnError',
    '--pretty',
    String(process.stderr.isTTY === true),
  ])
  removeOrphans(root)
  chmodSync(path.join(root, 'dist/main.js'), 0o755)
}

/** @param {string} root */
async function buildWeb(root) {
  // Built beside and moved in whole, so that a page served in the meantime finds all its parts.
  const fresh = path.join(root, `dist/.web-${process.pid}`)
  const old = path.join(root, `dist/.web-old-${process.pid}`)
  try {
    await tool(root, 'The web UI does not build', 'vite/bin/vite.js', [
      'build',
      'web',
      '--outDir',
      fresh,
      '--emptyOutDir',
      '--logLevel',
      'warn',
    ])
    if (existsSync(path.join(root, 'dist/web'))) renameSync(path.join(root, 'dist/web'), old)
    renameSync(fresh, path.join(root, 'dist/web'))
  } finally {
    for (const dir of [fresh, old]) rmSync(dir, { recursive: true, force: true })
  }
}

/** Output of sources that are gone would still be imported by whoever remembers its name. */
function removeOrphans(root) {
  for (const file of filesBelow(path.join(root, 'dist'), '', /^(web|\.[^/]*)$/)) {
    const source = file.replace(/\.js(\.map)?$/, '.ts')
    if (source !== file && !existsSync(path.join(root, 'src', source))) rmSync(path.join(root, 'dist', file))
  }
}

/** Runs a tool of node_modules; its output is shown only when it fails. */
function tool(root, failure, script, args) {
  const file = path.join(root, 'node_modules', script)
  if (!existsSync(file)) throw new Error(`node_modules/${script} is missing: run npm ci first.`)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${failure} (${signal ?? `exit ${code}`}):\n${Buffer.concat(output).toString().trimEnd()}`))
    })
  })
}

/** @param {string} root @param {Part} part */
function isFresh(root, part) {
  const stamp = readStamp(root, part)
  return stamp?.node === process.version && stamp.glance === snapshot(root, part).glance && outputsStand(root, stamp)
}

const stampFile = (root, part) => path.join(root, `dist/.${part.name}.stamp.json`)

function readStamp(root, part) {
  try {
    return JSON.parse(readFileSync(stampFile(root, part), 'utf8'))
  } catch {
    return undefined // None, or half written: then the part is built.
  }
}

/** The inputs of a part, and a hash of their names, sizes and times: the glance that tells "nothing happened". */
function snapshot(root, part) {
  const hash = createHash('sha1')
  const files = part.inputs
    .flatMap((input) => filesBelow(root, input))
    .filter((file) => !part.leaveOut?.test(file))
    .sort()
  for (const file of files) {
    const { size, mtimeMs } = statSync(path.join(root, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return { files, glance: hash.digest('hex') }
}

function contentOf(root, files) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0')
  return hash.digest('hex')
}

/** Sizes of what a part made, so that a dist/ that lost a file is not taken for whole. */
function outputsOf(root, part) {
  const files = part.name === 'web' ? filesBelow(root, 'dist/web') : filesBelow(root, 'dist', /^(web|\.[^/]*)$/)
  return Object.fromEntries(files.map((file) => [file, statSync(path.join(root, file)).size]))
}

function outputsStand(root, stamp) {
  return Object.entries(stamp.outputs).every(
    ([file, size]) => statSync(path.join(root, file), { throwIfNoEntry: false })?.size === size,
  )
}

/** Files at or below a path, relative to `root`; `except` names children of the path that are not looked into. */
function filesBelow(root, below, except = /^(node_modules|dist)$/) {
  const at = path.join(root, below)
  const found = statSync(at, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (found.isFile()) return [below]
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => !except.test(entry.name))
    .flatMap((entry) => {
      const child = path.posix.join(below, entry.name)
      if (entry.isDirectory()) return filesBelow(root, child, except)
      return entry.isFile() ? [child] : []
    })
}

/** One builder at a time: a file with the process id of its maker, made or failed in one step. */
async function lock(root) {
  const file = path.join(root, 'dist/.build-lock')
  const giveUpAt = Date.now() + lockWaitMs
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      const release = () => rmSync(file, { force: true })
      process.once('exit', release)
      return () => {
        process.off('exit', release)
        release()
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!isHeld(file)) takeAway(file)
    else if (Date.now() > giveUpAt)
      throw new Error(`Another build has held ${file} for three minutes. Remove it if none runs.`)
    else await sleep(100)
  }
}

function isHeld(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // Between its making and its writing the file is empty; that lasts no second.
    if (pid === 0) return Date.now() - statSync(file).mtimeMs < 2_000
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The lock of a builder that died. The rename gives it to one of several waiters; a live lock caught by it goes back. */
function takeAway(file) {
  const aside = `${file}-stale-${process.pid}`
  try {
    renameSync(file, aside)
    if (isHeld(aside)) linkSync(aside, file)
    rmSync(aside, { force: true })
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--root')
  const root = at > 0 ? path.resolve(process.argv[at + 1] ?? '.') : home
  try {
    const built = await build({ root, force: process.argv.includes('--force') })
    if (built.length > 0) process.stderr.write(`built: ${built.join(', ')}\n`)
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
