import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { installedServers, type ServerPostgres, startServerPostgres } from '../../../test/support/server-postgres.ts'
import { until } from '../../../test/support/until.ts'
import { systemClock } from '../../core/clock.ts'
import type { LogFields, Logger } from '../../core/logger.ts'
import { openStore, type Store, storeConfigSchema } from '../index.ts'
import { findRuntimeUser } from './embedded/runtime-user.ts'

const password = 'hush-hush-p4ss'
const patience = { timeout: 60_000 }

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe.runIf(hasOpenssl && installedServers.length > 0)('a server with TLS', patience, () => {
  let dir: string
  let server: ServerPostgres
  let store: Store | undefined
  let said: string[]

  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const authority = (name: string) =>
    openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
    )

  beforeAll(async () => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'signalbox-tls-'))
    authority('ca')
    authority('stranger')
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-keyout',
      'server.key',
      '-out',
      'server.csr',
    )
    // The name and not the address: whoever connects by address can not know whom it met.
    writeFileSync(path.join(dir, 'san'), 'subjectAltName=DNS:localhost')
    openssl(
      ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
      ...['-extfile', 'san', '-out', 'server.pem'],
    )
    const user = await findRuntimeUser()
    if (user !== null)
      for (const file of ['', 'server.key', 'server.pem']) chownSync(path.join(dir, file), user.uid, user.gid)
    server = await startServerPostgres(installedServers[0] ?? 15, {
      ssl: 'on',
      ssl_cert_file: path.join(dir, 'server.pem'),
      ssl_key_file: path.join(dir, 'server.key'),
    })
    const admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
    await admin.query(`create role gateway login superuser password '${password}'`)
    await admin.end()
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  beforeEach(() => {
    said = []
  })
  afterEach(async () => {
    await store?.close()
    store = undefined
    // Whatever happened, no line of the log holds the password.
    expect(said.join('\n')).not.toContain(password)
  })

  async function open(host: string, parameters: Record<string, string>): Promise<Store> {
    const url = new URL(server.url)
    url.hostname = host
    url.username = 'gateway'
    url.password = password
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const note = (event: string, message: string, fields?: LogFields): void =>
      void said.push(JSON.stringify({ event, message, ...fields }))
    const logger: Logger = { debug: note, info: note, warn: note, error: note }
    const config = storeConfigSchema.parse({ databaseUrl: url.href })
    store = await openStore({ config, dataDir: '/nonexistent', clock: systemClock, logger })
    return store
  }

  const isRefused = async (reason: RegExp): Promise<void> => {
    await until('the refusal is said', () => said.some((line) => /database_not_ready/.test(line) && reason.test(line)))
    expect(await store?.ping()).toBe(false)
  }
  const file = (name: string): string => path.join(dir, `${name}.pem`)
  const isEncrypted = async (): Promise<void> => {
    const admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
    const { rows } = await admin.query(
      `select bool_and(ssl) as all from pg_stat_activity join pg_stat_ssl using (pid) where usename = 'gateway'`,
    )
    await admin.end()
    expect(rows[0].all).toBe(true)
  }

  test('verify-full takes the server whose authority and name are right', async () => {
    await (await open('localhost', { sslmode: 'verify-full', sslrootcert: file('ca') })).ready
    await isEncrypted()
  })

  test('verify-full refuses another authority, says so, and names the way out', async () => {
    await open('localhost', { sslmode: 'verify-full', sslrootcert: file('stranger') })
    await isRefused(/sslrootcert=/)
  })

  test('verify-full refuses another name', async () => {
    await open('127.0.0.1', { sslmode: 'verify-full', sslrootcert: file('ca') })
    await isRefused(/ALTNAME/)
  })

  test('require verifies as well, without a warning on the console', async () => {
    const warned = vi.spyOn(process, 'emitWarning')
    try {
      await open('localhost', { sslmode: 'require' })
      await isRefused(/certificate/)
      await store?.close()
      await (await open('localhost', { sslmode: 'require', sslrootcert: file('ca') })).ready
      await isEncrypted()
      expect(warned).not.toHaveBeenCalled()
    } finally {
      warned.mockRestore()
    }
  })

  test('no-verify encrypts and trusts', async () => {
    await (await open('127.0.0.1', { sslmode: 'no-verify' })).ready
    await isEncrypted()
  })
})
