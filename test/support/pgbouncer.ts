/** PgBouncer, the connection pooler that most have; in the mode that breaks most. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../../src/store/drivers/embedded/free-port.ts'
import { findRuntimeUser } from '../../src/store/drivers/embedded/runtime-user.ts'
import { until } from './until.ts'

const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((file) => existsSync(file))

/** False on most developers' machines. */
export const hasPgbouncer = program !== undefined

export interface Pgbouncer {
  /** The database that was given, through the pooler. */
  readonly url: string
  stop(): Promise<void>
}

/** Two server connections for everybody, handed to another client after each transaction. */
export async function startPgbouncer(target: string): Promise<Pgbouncer> {
  const { hostname, port, username, password, pathname } = new URL(target)
  const dir = await mkdtemp(path.join(os.tmpdir(), 'signalbox-pgbouncer-'))
  const own = await freePort(undefined)
  // An empty password is none: the pooler takes it for a mistake.
  const secret = password === '' ? '' : ` password='${decodeURIComponent(password)}'`
  const login = `user=${decodeURIComponent(username)}${secret}`
  await writeFile(
    path.join(dir, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${port} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 100
logfile = ${path.join(dir, 'log')}
`,
  )
  const user = await findRuntimeUser()
  if (user !== null) {
    await chown(dir, user.uid, user.gid)
    await chown(path.join(dir, 'pgbouncer.ini'), user.uid, user.gid)
  }
  const child = spawn(program ?? 'pgbouncer', ['-q', path.join(dir, 'pgbouncer.ini')], {
    cwd: dir,
    stdio: 'ignore',
    ...(user !== null && { uid: user.uid, gid: user.gid }),
  })
  await until('the pooler takes connections', () => answers(own))
  return {
    url: `postgres://caller@127.0.0.1:${own}${pathname}`,
    async stop() {
      await ended(child)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}
