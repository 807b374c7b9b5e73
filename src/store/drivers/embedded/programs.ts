import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import type { RuntimeUser } from './runtime-user.ts'

/** Output kept of a program, for its error message. */
const keptOutput = 8_000

/**
 * The server gets a small environment of its own: what the gateway was started with (keys among it) is none of its
 * business. Its working directory is the cluster, which it can always enter.
 */
export function spawnOptions(user: RuntimeUser | null, cwd: string): SpawnOptions {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', LANG: 'C', TZ: 'UTC' }
  // Windows needs its system variables to start any program at all.
  const system = process.platform === 'win32' ? { env: undefined } : { env }
  return { ...system, cwd, ...(user === null ? {} : { uid: user.uid, gid: user.gid }) }
}

export interface ProgramEnd {
  readonly code: number | null
  readonly output: string
}

/** Runs a program to its end, `input` on its standard input; rejects only where it can not be started. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: SpawnOptions & { input?: string },
): Promise<ProgramEnd> {
  const { input, ...rest } = options
  const child = spawn(program, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-keptOutput)
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  // A program that ends without reading its input closes the pipe; its exit code tells the story.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input ?? '')
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output: output.trim() }))
  })
}

/** Resolves once the child has started; rejects with the reason where it can not be. */
export async function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
}
