// @ts-check
/**
 * Where the time goes: a CPU profile of the process that forwards, under saturating load.
 * `node bench/profile.mjs --load 1k|200k|1m|stream --target gateway|office|bare [--seconds 4] [--top 30] [--keep FILE]`
 * `--keep` saves the raw profile, which the developer tools of Chromium open.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { sleep } from './lib/clock.mjs'
import { layoutFor } from './lib/options.mjs'
import { canPin } from './lib/proc.mjs'
import { Rig } from './lib/rig.mjs'
import { saturating, upstreamFor } from './lib/scenarios.mjs'
import { startBare, startGateway } from './lib/targets.mjs'

const bench = dirname(fileURLToPath(import.meta.url))
const project = dirname(bench)
const { values } = parseArgs({
  options: {
    load: { type: 'string', default: '1k' },
    target: { type: 'string', default: 'gateway' },
    seconds: { type: 'string', default: '4' },
    top: { type: 'string', default: '30' },
    main: { type: 'string' },
    keep: { type: 'string' },
  },
})
const work = saturating[values.load]
if (work === undefined) throw new Error(`--load is one of ${Object.keys(saturating).join(', ')}`)
if (!['gateway', 'office', 'bare'].includes(values.target)) throw new Error('--target is gateway, office or bare')

const layout = layoutFor(os.cpus().length, canPin())
const folder = mkdtempSync(join(os.tmpdir(), 'bench-profile-'))
const hook = pathToFileURL(join(bench, 'lib', 'profile-hook.mjs')).href
const rig = await Rig.start(layout)
const target =
  values.target === 'bare'
    ? await startBare(rig.upstreamPort, {
        core: layout.worker,
        nodeArgs: ['--import', hook],
        env: { PROFILE_DIR: folder },
      })
    : await startGateway(rig.upstreamPort, {
        layout,
        main: values.main === undefined ? null : resolve(values.main),
        env: { NODE_OPTIONS: `--import ${hook}`, PROFILE_DIR: folder },
      })
try {
  await rig.answer(upstreamFor(values.load))
  await rig.measure(target, { ...work, requestLimit: values.load === '1k' ? 12_000 : 3000, drainSeconds: 60 })
  const [pid] = target.pids()[values.target === 'office' ? 'office' : 'worker'] ?? []
  if (pid === undefined) throw new Error(`the target has no process of its own for ${values.target}`)
  const seconds = Number(values.seconds)
  const measuring = rig.measure(target, { ...work, seconds: seconds + 1, drainSeconds: 60 })
  await sleep(500)
  process.kill(pid, 'SIGUSR2')
  await sleep(seconds * 1000)
  process.kill(pid, 'SIGUSR2')
  const { load } = await measuring
  const file = join(folder, `${pid}.cpuprofile`)
  for (let waited = 0; !existsSync(file); waited += 50) {
    if (waited > 20_000) throw new Error('the profile was not written')
    await sleep(50)
  }
  if (values.keep !== undefined) copyFileSync(file, values.keep)
  console.log(`${values.target}, ${values.load}: ${Math.round(load.perSecond)} requests/s while profiled\n`)
  report(JSON.parse(readFileSync(file, 'utf8')), Number(values.top))
} finally {
  await target.close()
  await rig.close()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()

/**
 * @typedef {{ functionName: string, url: string, lineNumber: number }} Frame
 * @typedef {{ nodes: Array<{ id: number, callFrame: Frame }>, samples: number[], timeDeltas: number[] }} Profile
 */

/** @param {Profile} profile @param {number} top */
function report(profile, top) {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  /** @type {Map<string, number>} */
  const byFunction = new Map()
  /** @type {Map<string, number>} */
  const byPlace = new Map()
  let busy = 0
  let idle = 0
  profile.samples.forEach((id, index) => {
    const us = profile.timeDeltas[index] ?? 0
    const frame = frames.get(id)
    if (frame === undefined) return
    if (frame.functionName === '(idle)') {
      idle += us
      return
    }
    busy += us
    const name = `${frame.functionName || '(anonymous)'}  ${where(frame)}`
    byFunction.set(name, (byFunction.get(name) ?? 0) + us)
    byPlace.set(place(frame), (byPlace.get(place(frame)) ?? 0) + us)
  })
  console.log(`busy ${(busy / 1e6).toFixed(2)} s, idle ${(idle / 1e6).toFixed(2)} s; shares are of the busy time\n`)
  print('where', byPlace, busy, 20)
  print('function (self time)', byFunction, busy, top)
}

/** @param {Frame} frame */
function where({ url, lineNumber }) {
  if (url === '') return ''
  return `${url.replace(pathToFileURL(project).href, '').replace(/^\//, '')}:${lineNumber + 1}`
}

/** The room, the package or the part of Node that a frame belongs to. @param {Frame} frame */
function place(frame) {
  const at = where(frame)
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(at)
  if (dependency !== null) return `package ${dependency[1]}`
  if (at.startsWith('node:')) return at.replace(/:\d+$/, '')
  if (at.startsWith('dist/')) return `signalbox ${at.split('/').slice(1, 2).join('/').replace(/:\d+$/, '')}`
  if (at !== '') return at.replace(/:\d+$/, '')
  return frame.functionName === '(garbage collector)' ? '(garbage collector)' : '(native: sockets, buffers, V8)'
}

/** @param {string} title @param {Map<string, number>} sums @param {number} all @param {number} top */
function print(title, sums, all, top) {
  console.log(`  %   ${title}`)
  for (const [name, us] of [...sums].sort((a, b) => b[1] - a[1]).slice(0, top)) {
    console.log(`${((us / all) * 100).toFixed(1).padStart(5)} ${name}`)
  }
  console.log()
}
