/** Journals written by real processes, and the real program that records them into a database. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFailed } from 'vitest'
import { freePort, killQuietly, processesOf } from '../../support/signalbox-process.ts'
import { until } from '../../support/until.ts'
import { atEnd } from '../place.ts'
import type { Database } from './database.ts'

const dist = process.env.TORTURE_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url))
const writerScript = fileURLToPath(new URL('./journal-writer.mjs', import.meta.url))

export interface Writer {
  readonly pid: number
  /** Ids that it may count on. */
  acknowledged(): readonly string[]
  /** Everything it began is closed and acknowledged when this resolves. */
  stop(): Promise<void>
  kill(): Promise<void>
}

/** One data directory: journals, and one Signalbox after the other that records them. */
export interface Recording {
  readonly dataDir: string
  /** Writers must be there before the program is: it takes journals that come later for its own workers' only. */
  write(options: { seed: number; perSecond: number }): Promise<Writer>
  readonly writers: readonly Writer[]
  start(): Promise<void>
  /** SIGKILL to the program and its workers. */
  kill(): Promise<void>
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
  metrics(): Promise<string>
  output(): string
  /** Copies the journals and the checkpoint as they are. */
  copyJournals(to: Recording): void
  journals(): readonly string[]
}

export async function newRecording(
  database: Database,
  options: { dataDir?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Recording> {
  const dataDir = options.dataDir ?? mkdtempSync(path.join(os.tmpdir(), 'signalbox-torture-'))
  const root = path.join(dataDir, 'journal')
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const logs = mkdtempSync(path.join(os.tmpdir(), 'signalbox-torture-log-'))
  const proxyPort = await freePort()
  const writers: Writer[] = []
  let program: ChildProcess | undefined
  let output = ''
  onTestFailed(() => console.info(`${dataDir} said at last:\n${output.slice(-3_000)}`))
  atEnd(async () => {
    await until('every process of the test is gone', () => {
      const left = processesOf(dataDir)
      for (const pid of left) killQuietly(pid, 'SIGKILL')
      return left.length === 0
    })
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    rmSync(logs, { recursive: true, force: true })
  })

  return {
    dataDir,
    writers,
    async write({ seed, perSecond }) {
      const log = path.join(logs, `${writers.length}.log`)
      const args = [writerScript, dist, root, log, String(seed), String(perSecond)]
      const child = spawn(process.execPath, args, {
        env: { PATH: process.env.PATH },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const { pid } = child
      if (pid === undefined) throw new Error('the writer was not started')
      const ended = once(child, 'exit')
      await Promise.race([
        once(child.stdout, 'data'),
        ended.then(() => {
          throw new Error('the writer ended at its start')
        }),
      ])
      const writer: Writer = {
        pid,
        acknowledged: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
        async stop() {
          if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
          const [code] = await ended
          if (code !== 0 && child.signalCode !== 'SIGKILL') throw new Error(`the writer ended with ${code}`)
        },
        async kill() {
          child.kill('SIGKILL')
          await ended
        },
      }
      writers.push(writer)
      return writer
    },
    async start() {
      const started = spawn(process.execPath, [path.join(dist, 'main.js'), 'proxy'], {
        env: {
          PATH: process.env.PATH,
          DATA_DIR: dataDir,
          DATABASE_URL: database.url,
          PROXY_PORT: String(proxyPort),
          DEFAULT_PROVIDER: 'simulated',
          SIMULATED_UPSTREAM_URL: 'http://127.0.0.1:9',
          ...options.env,
        },
        cwd: dataDir,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      program = started
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding('utf8')
        let rest = ''
        stream.on('data', (text: string) => {
          const lines = (rest + text).split('\n')
          rest = lines.pop() ?? ''
          // Two lines a call would bury all others.
          const telling = lines.filter(
            (line) => !line.includes('"action":"anthropic_') && !line.includes('"event":"api_'),
          )
          output = (output + telling.map((line) => `${line}\n`).join('')).slice(-200_000)
        })
      }
      const before = output.length
      await until(
        'the program runs',
        () => {
          if (started.exitCode !== null) throw new Error(`the program ended: ${output.slice(-2_000)}`)
          return output.slice(before).includes('Signalbox is running.')
        },
        90_000,
      )
    },
    async kill() {
      const running = program
      program = undefined
      if (running === undefined || running.pid === undefined) return
      const workers = processesOf(dataDir).filter(
        (pid) => pid !== running.pid && !writers.some((one) => one.pid === pid),
      )
      const ended = running.exitCode === null && running.signalCode === null ? once(running, 'exit') : undefined
      for (const pid of [running.pid, ...workers]) killQuietly(pid, 'SIGKILL')
      await ended
      await until('its workers are gone', () =>
        processesOf(dataDir).every((pid) => writers.some((one) => one.pid === pid)),
      )
    },
    async stop() {
      const running = program
      program = undefined
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
      const ended = once(running, 'exit')
      running.kill('SIGTERM')
      await ended
    },
    metrics: async () => (await fetch(`http://127.0.0.1:${proxyPort}/metrics`)).text(),
    output: () => output,
    copyJournals: (to) => cpSync(root, path.join(to.dataDir, 'journal'), { recursive: true, preserveTimestamps: true }),
    journals: () => readdirSync(root).filter((name) => name !== 'checkpoint.json' && name !== 'checkpoint.json.new'),
  }
}
