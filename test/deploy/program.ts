import { spawnSync } from 'node:child_process'

/** Whether a program of another project is installed. CI installs all that these tests ask for; elsewhere they are skipped. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined
}

/** Runs it; what it said, and how it ended. */
export function runProgram(program: string, args: readonly string[], cwd?: string): { code: number; output: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 100_000, cwd })
  return { code: status ?? -1, output: `${stdout}${stderr}${error?.message ?? ''}` }
}
