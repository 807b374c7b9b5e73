/** PostgreSQL servers of this machine's distribution (Debian keeps them by version), for what differs between versions. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../../src/store/drivers/embedded/free-port.ts'
import { findRuntimeUser } from '../../src/store/drivers/embedded/runtime-user.ts'

const run = promisify(execFile)
const home = '/usr/lib/postgresql'

/** Major versions that are installed, oldest first; none on most developers' machines. */
export const installedServers: readonly number[] = (existsSync(home) ? readdirSync(home) : [])
  .filter((name) => /^\d+$/.test(name) && existsSync(path.join(home, name, 'bin/postgres')))
  .map(Number)
  .filter((major) => major >= 15)
  .sort((left, right) => left - right)

export interface ServerPostgres {
  /** Of its superuser. */
  readonly url: string
  stop(): Promise<void>
}

/** A fresh server of that version on a free port, in a folder of its own. */
export async function startServerPostgres(
  major: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServerPostgres> {
  const bin = path.join(home, String(major), 'bin')
  const dir = await mkdtemp(path.join(os.tmpdir(), `signalbox-pg${major}-`))
  const user = await findRuntimeUser()
  // The programs refuse to run as root.
  const identity = user === null ? {} : { uid: user.uid, gid: user.gid }
  if (user !== null) await chown(dir, user.uid, user.gid)
  const data = path.join(dir, 'data')
  const options = { cwd: dir, ...identity }
  await run(path.join(bin, 'initdb'), ['-D', data, '-U', 'owner', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options)
  const port = await freePort(undefined)
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`)
  await appendFile(path.join(data, 'postgresql.conf'), lines.join(''))
  const control = (...args: string[]) => run(path.join(bin, 'pg_ctl'), ['-D', data, '-w', '-t', '60', ...args], options)
  await control('-l', path.join(dir, 'log'), 'start')
  return {
    url: `postgres://owner@127.0.0.1:${port}/postgres`,
    async stop() {
      await control('-m', 'immediate', 'stop')
      await rm(dir, { recursive: true, force: true })
    },
  }
}
