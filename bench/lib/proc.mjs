// @ts-check
/** What the kernel knows of processes, and where they may run. Linux only; elsewhere the figures are null. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

/** USER_HZ: the unit of /proc/<pid>/stat on every Linux there is. */
const ticksPerSecond = 100

/** @param {number} pid @returns {{ parent: number, cpuSeconds: number } | null} */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command may hold spaces and brackets, so count the fields from the last bracket.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond }
  } catch {
    return null // the process is gone
  }
}

/** CPU seconds (user and system) of these processes together. @param {readonly number[]} pids */
export const cpuSeconds = (pids) => pids.reduce((sum, pid) => sum + (stat(pid)?.cpuSeconds ?? 0), 0)

/** CPU seconds of the whole machine, by whoever, what a hypervisor took away included. */
export function machineCpuSeconds() {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n')
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number)
    return (user + nice + system + irq + softirq + steal) / ticksPerSecond
  } catch {
    return 0
  }
}

/** Resident bytes of these processes together. @param {readonly number[]} pids */
export const residentBytes = (pids) =>
  pids.reduce((sum, pid) => sum + kilobytes(pid, 'status', /^VmRSS:\s+(\d+) kB/m) * 1024, 0)

/** The same, but what processes share counts once: right for PostgreSQL's shared buffers. @param {readonly number[]} pids */
export const proportionalBytes = (pids) =>
  pids.reduce((sum, pid) => sum + kilobytes(pid, 'smaps_rollup', /^Pss:\s+(\d+) kB/m) * 1024, 0)

/** @param {number} pid @param {string} file @param {RegExp} figure */
function kilobytes(pid, file, figure) {
  try {
    return Number(figure.exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0 // the process is gone, or the kernel does not tell
  }
}

/** All processes below this one, itself left out. @param {number} root @returns {number[]} */
export function descendants(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const parent = stat(pid)?.parent
    if (parent === undefined) continue
    const list = children.get(parent)
    if (list === undefined) children.set(parent, [pid])
    else list.push(pid)
  }
  /** @type {number[]} */
  const found = []
  const open = [root]
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const below = children.get(pid) ?? []
    found.push(...below)
    open.push(...below)
  }
  return found
}

/** @param {number} pid @param {'cmdline' | 'environ'} file */
export function procText(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** @param {string} command @param {string[]} args */
function works(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** @type {boolean | undefined} */
let tasksetWorks
/** @type {boolean | undefined} */
let chrtWorks

export const canPin = () => (tasksetWorks ??= works('taskset', ['-c', '0', 'true']))
export const canPrioritise = () => (chrtWorks ??= works('chrt', ['--rr', '1', 'true']))

/** Binds all threads of these processes to cores. @param {readonly number[]} pids @param {string} cores e.g. `1` or `1-3` */
export function pin(pids, cores) {
  if (!canPin()) return
  for (const pid of pids) works('taskset', ['-a', '-c', '-p', cores, String(pid)])
}

/** Gives all threads of this process real-time priority, so that they stand in for another machine. @param {number} pid */
export function prioritise(pid) {
  if (canPrioritise()) works('chrt', ['-a', '--rr', '-p', '1', String(pid)])
}

/** The machine in a few words and figures, for the head of a result. */
export function machine() {
  const cpus = os.cpus()
  return {
    cores: cpus.length,
    cpu: cpus[0]?.model ?? 'unknown',
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    loadAverage: os.loadavg().map((value) => Math.round(value * 100) / 100),
  }
}
