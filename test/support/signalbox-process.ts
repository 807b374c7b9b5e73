import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** `signalbox start`, as a user runs it: the built program in processes of its own. */
export interface SignalboxProcess {
  readonly pid: number
  readonly proxyUrl: string
  readonly proxyPort: number
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  hasExited(): boolean
  /** All it said so far, but for the lines about single calls. */
  output(): string
  /** Process ids of the gateway workers. */
  workers(): readonly number[]
  signal(signal: NodeJS.Signals): void
  /** Resolves when calls are taken; rejects with what it said when it ended instead. */
  ready(): Promise<void>
}

export interface SignalboxProcessOptions {
  /** `start` where it is left out. */
  readonly command?: 'start' | 'proxy' | 'dashboard' | 'demo'
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  readonly proxyPort: number
  readonly dashboardPort: number
}

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export function spawnSignalbox(options: SignalboxProcessOptions): SignalboxProcess {
  const { command = 'start', dataDir, proxyPort, dashboardPort } = options
  const child = spawn(process.execPath, [main, command], {
    // Nothing of the environment of whoever runs the tests: a DATABASE_URL in it would be written to.
    env: {
      PATH: process.env.PATH,
      DATA_DIR: dataDir,
      PROXY_PORT: String(proxyPort),
      DASHBOARD_PORT: String(dashboardPort),
      ...options.env,
    },
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error('the program was not started')
  let output = ''
  let exited = false
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      // Two lines a call would bury all others.
      for (const line of lines) if (!line.includes('"action":"anthropic_')) output += `${line}\n`
    })
    stream.on('end', () => {
      output += rest
    })
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => {
      exited = true
      resolve({ code, signal })
    })
  })
  const proxyUrl = `http://127.0.0.1:${proxyPort}`
  return {
    pid,
    proxyUrl,
    proxyPort,
    exit,
    hasExited: () => exited,
    output: () => output,
    workers: () => childrenOf(pid).filter((one) => commandOf(one).includes(main)),
    signal: (signal) => void child.kill(signal),
    async ready() {
      await until(
        'Signalbox is running',
        () => {
          if (exited) throw new Error(`Signalbox ended:\n${output.slice(-2_000)}`)
          return output.includes('Signalbox is running.')
        },
        60_000,
      )
    },
  }
}

/** Process id of the PostgreSQL server of a data directory, undefined where none runs. */
export function postmasterOf(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0])
    return isRunning(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** The server and all of its backends. */
export function postgresOf(dataDir: string): readonly number[] {
  const postmaster = postmasterOf(dataDir)
  return postmaster === undefined ? [] : [postmaster, ...childrenOf(postmaster)]
}

/** Every living process that has this data directory in its command line or environment. */
export function processesOf(dataDir: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && isRunning(pid))
    .filter((pid) => `${commandOf(pid)} ${textOf(`/proc/${pid}/environ`)}`.includes(dataDir))
}

export function isRunning(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`)
  // The state stands behind the name in brackets; a zombie holds nothing any more.
  return stat !== '' && !/^\) Z/.test(stat.slice(stat.lastIndexOf(')')))
}

/** Memory of a process that is resident, in bytes. */
export function residentBytes(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`))?.[1]
  if (kib === undefined) throw new Error(`process ${pid} does not run`)
  return Number(kib) * 1024
}

export function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended by itself in the meantime.
  }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('the server has no port'))
        else resolve(address.port)
      })
    })
  })
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((one) => Number.isInteger(one) && parentOf(one) === pid && isRunning(one))
}

/** proc(5): behind the name in brackets come the state and the parent. */
function parentOf(pid: number): number {
  const stat = textOf(`/proc/${pid}/stat`)
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

const commandOf = (pid: number): string => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
