import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ClientKey } from '../core/client-key.ts'
import { runCli } from './cli.ts'
import { parseExpiry } from './expiry.ts'
import { renderGreeting } from './greeting.ts'
import type { Programs } from './programs.ts'
import { printable, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

interface Heard extends Terminal {
  readonly said: { out: string; err: string }
}

function terminal(outIsTty = false): Heard {
  const said = { out: '', err: '' }
  return {
    said,
    outIsTty,
    showStacks: false,
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  }
}

const unused = (): never => {
  throw new Error('this program should not run')
}
const noPrograms: Programs = {
  serve: unused,
  migrate: unused,
  checkProviders: unused,
  explainRoute: unused,
  planMigration: unused,
  openKeys: unused,
  backup: unused,
  openRestore: unused,
  setAside: unused,
  replaySetAside: unused,
  importTranscripts: unused,
  importCsvFile: unused,
  exportLedger: unused,
}

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'signalbox-cli-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

async function run(args: readonly string[], programs: Partial<Programs> = {}, on: Heard = terminal()) {
  const code = await runCli(args, { programs: { ...noPrograms, ...programs }, terminal: on, version: '1.2.3' })
  // Variables of whoever runs the tests are warned of, rightly, but are not our subject.
  return { code, out: on.said.out, err: on.said.err.replaceAll(/^warning: .*\n/gm, '') }
}

describe('exit status and words', () => {
  test('help and version are no failure', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n', err: '' })
    const help = await run(['--help'])
    expect(help.code).toBe(0)
    for (const command of [
      'start',
      'proxy',
      'dashboard',
      'demo',
      'check-config',
      'migrate',
      'keys',
      'stats',
      'tail',
      'import',
      'export',
    ]) {
      expect(help.out).toContain(`  ${command} `)
    }
  })

  test('misuse is 2 and says what was meant', async () => {
    const command = await run(['strat'])
    expect(command).toMatchObject({ code: 2, out: '' })
    expect(command.err).toContain('Did you mean start?')
    const flag = await run(['start', '--proxy-prt', '1'])
    expect(flag.code).toBe(2)
    expect(flag.err).toContain('--proxy-port')
  })

  test('a mistake in the settings is 2, and nothing runs', async () => {
    const { code, err } = await run(['start', '--proxy-port', 'x', '--set', 'http.workers=0'])
    expect(code).toBe(2)
    expect(err).toContain('flag --proxy-port: http.proxyPort is "x", but must be a whole number')
    expect(err).toContain('flag --set: http.workers is 0, but must be a whole number from 1 to 64')
  })

  test('a failure is 1 and one paragraph; its stack is for LOG_LEVEL=debug', async () => {
    const serve = () => Promise.reject(new Error('Port 3000 is taken.'))
    expect(await run(['start'], { serve })).toEqual({ code: 1, out: '', err: 'error: Port 3000 is taken.\n' })
    const debug = await run(['start', '--log-level', 'debug'], { serve })
    expect(debug.err).toMatch(/^error: Error: Port 3000 is taken\.\n +at /)
  })

  test('a defect always shows where it is', async () => {
    const { err } = await run(['start'], { serve: () => Promise.reject(new TypeError('x is not a function')) })
    expect(err).toMatch(/TypeError: x is not a function\n +at /)
  })
})

describe('check-config', () => {
  test('prints the settings in effect to standard output, words to the other', async () => {
    const { code, out, err } = await run(['check-config', '--set', 'http.workers=3', '--data-dir', dataDir])
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}workers: 3 +# flag --set$/m)
    expect(out).toContain(dataDir)
    expect(err).toContain('The settings are right')
  })
})

describe('migrate', () => {
  test('--dry-run prints the steps as SQL and runs none', async () => {
    const steps = [
      { name: '0001-first', sql: '\nCREATE TABLE a ();\n' },
      { name: '0002-second', sql: 'CREATE TABLE b ();' },
    ]
    const dry = await run(['migrate', '--dry-run', '--data-dir', dataDir], { planMigration: async () => steps })
    expect(dry).toEqual({
      code: 0,
      out: '-- 0001-first\nCREATE TABLE a ();\n\n-- 0002-second\nCREATE TABLE b ();\n',
      err: '',
    })
    const none = await run(['migrate', '--dry-run', '--data-dir', dataDir], { planMigration: async () => [] })
    expect(none.out).toBe('-- The database is up to date.\n')
  })

  test('says what it applied', async () => {
    const applied = await run(['migrate', '--data-dir', dataDir], { migrate: async () => ['0001-first'] })
    expect(applied.out).toBe('Applied: 0001-first.\n')
  })
})

describe('serving commands', () => {
  /** An instance that stops when asked, after a signal sent by the test. */
  const instance = (stopped: string[], psql: string | null = null) => ({
    proxyUrl: 'http://127.0.0.1:3000',
    dashboardUrl: 'http://127.0.0.1:3001',
    dashboardKey: { value: 'k', file: '/d/dashboard-key' },
    psql,
    databaseUp: true,
    failed: new Promise<Error>(() => undefined),
    stop: async () => void stopped.push('stopped'),
  })
  /** Sends the signal to ourselves, as soon as the greeting is out. */
  const signalOnGreeting = (on: Heard): Heard => {
    const notice = (tell: (text: string) => void) => (text: string) => {
      tell(text)
      if (text.includes('Signalbox is running')) process.emit('SIGTERM')
    }
    return { ...on, out: notice(on.out), err: notice(on.err) }
  }

  test('greets, waits for a signal, and stops what it started', async () => {
    const stopped: string[] = []
    const { code, out, err } = await run(
      ['start'],
      { serve: async () => instance(stopped) },
      signalOnGreeting(terminal()),
    )
    expect({ code, stopped }).toEqual({ code: 0, stopped: ['stopped'] })
    // Standard output is a stream of JSON lines for whoever collects it.
    expect(out).toBe('')
    expect(err).toContain('\nexport ANTHROPIC_BASE_URL=http://127.0.0.1:3000\n')
  })

  test('on a terminal the greeting is on standard output, unless it is asked for JSON', async () => {
    const serve = async () => instance([])
    const person = await run(['start'], { serve }, signalOnGreeting(terminal(true)))
    expect(person.out).toContain('Signalbox is running')
    const collector = await run(
      ['start', '--set', 'telemetry.logFormat=json'],
      { serve },
      signalOnGreeting(terminal(true)),
    )
    expect(collector.out).toBe('')
  })

  test('ends with the failure of its instance', async () => {
    const stopped: string[] = []
    const failed = Promise.resolve(new Error('the disk is gone'))
    const { code, err } = await run(['start'], { serve: async () => ({ ...instance(stopped), failed }) })
    expect({ code, stopped }).toEqual({ code: 1, stopped: ['stopped'] })
    expect(err).toContain('error: the disk is gone\n')
  })

  test('a signal during the start waits for what is opened and closes it', async () => {
    const stopped: string[] = []
    const serve = () =>
      new Promise<ReturnType<typeof instance>>((resolve) => {
        process.emit('SIGINT')
        setImmediate(() => resolve(instance(stopped)))
      })
    expect(await run(['start'], { serve })).toMatchObject({ code: 0 })
    expect(stopped).toEqual(['stopped'])
  })

  test.each([
    ['start', 'all', false, 'anthropic'],
    ['proxy', 'proxy', false, 'anthropic'],
    ['dashboard', 'dashboard', false, 'anthropic'],
    ['demo', 'all', true, 'simulated'],
  ])('%s runs part %s, traffic %s, provider %s', async (command, part, traffic, provider) => {
    const asked: Parameters<Programs['serve']>[0][] = []
    const serve: Programs['serve'] = async (options) => {
      asked.push(options)
      return instance([])
    }
    const database = command === 'dashboard' ? ['--set', 'store.databaseUrl=postgres://h/d'] : []
    await run([command, '--data-dir', dataDir, ...database], { serve }, signalOnGreeting(terminal()))
    expect(asked[0]).toMatchObject({ part, traffic, config: { providers: { default: provider } } })
    // Invented calls stay out of the real ledger.
    expect(asked[0]?.config.dataDir).toBe(command === 'demo' ? path.join(dataDir, 'demo') : dataDir)
  })
})

test('a dashboard alone needs the database of its proxies', async () => {
  const { code, err } = await run(['dashboard'])
  expect(code).toBe(2)
  expect(err).toContain('set DATABASE_URL')
})

describe('keys', () => {
  const key: ClientKey = {
    id: 'k_0123456789ab',
    hash: 'h',
    domain: 'web',
    name: 'ci',
    expiresAt: null,
    revokedAt: null,
  }
  const store = (overrides: Partial<Awaited<ReturnType<Programs['openKeys']>>> = {}) => ({
    create: async () => ({ id: key.id, key: 'sbx_word' }),
    list: async () => [key, { ...key, id: 'k_ba9876543210', revokedAt: Date.UTC(2026, 0, 2, 3, 4) }],
    revoke: async (id: string) => (id === key.id ? { ...key, revokedAt: 1 } : null),
    close: async () => undefined,
    ...overrides,
  })

  test('create prints the key alone on standard output, so that it can be piped', async () => {
    const { code, out, err } = await run(['keys', 'create', '--domain', 'web'], { openKeys: async () => store() })
    expect({ code, out }).toEqual({ code: 0, out: 'sbx_word\n' })
    expect(err).toContain('Key k_0123456789ab for the domain web (never expires)')
  })

  test('create refuses a domain that could not be a label, and an end in the past', async () => {
    expect((await run(['keys', 'create', '--domain', 'a b'])).code).toBe(2)
    expect((await run(['keys', 'create', '--domain', 'a', '--expires', '2020-01-01'])).err).toContain(
      'That is in the past.',
    )
    expect((await run(['keys', 'create'])).err).toContain('--domain')
  })

  test('list shows states, and as JSON never the hash', async () => {
    const openKeys = async () => store()
    const { out } = await run(['keys', 'list'], { openKeys })
    expect(out).toMatch(/^k_0123456789ab +web +ci +valid$/m)
    expect(out).toMatch(/^k_ba9876543210 +web +ci +revoked 2026-01-02 03:04 UTC$/m)
    const json: unknown[] = JSON.parse((await run(['keys', 'list', '--json'], { openKeys })).out)
    expect(json).toHaveLength(2)
    expect(json[0]).not.toHaveProperty('hash')
  })

  test('revoke says what it revoked; an unknown id is 1 and is not repeated where it may be a key', async () => {
    const closed: string[] = []
    const openKeys = async () => store({ close: async () => void closed.push('closed') })
    expect(await run(['keys', 'revoke', key.id], { openKeys })).toMatchObject({
      code: 0,
      out: 'Key k_0123456789ab (domain web) is revoked.\n',
    })
    const unknown = await run(['keys', 'revoke', 'sbx_word'], { openKeys })
    expect(unknown.code).toBe(1)
    expect(unknown.err).not.toContain('sbx_word')
    // Also where the command fails.
    expect(closed).toHaveLength(2)
  })
})

describe('backup and restore', () => {
  test('a backup goes to standard output only where that is no terminal, and its words go to the other', async () => {
    const asked: unknown[] = []
    const backup: Programs['backup'] = async (_config, options) => {
      asked.push(options)
      return { file: options.target, bytes: options.target === null ? null : 1_234, rows: 1_000, withPepper: true }
    }
    const person = await run(['backup', '-'], { backup }, terminal(true))
    expect(person.code).toBe(2)
    expect(person.err).toContain('A backup is no text')
    expect(await run(['backup', '-'], { backup })).toEqual({ code: 0, out: '', err: 'Backup of 1,000 rows written.\n' })
    const named = await run(['backup', 'x.tar.gz', '--without-pepper'], { backup })
    expect(named.out).toBe('Backup of 1,000 rows in x.tar.gz (1.2 kB).\n')
    expect(asked).toEqual([
      { target: null, withPepper: true },
      { target: 'x.tar.gz', withPepper: false },
    ])
  })

  test('a restore closes what it opened, also where the file turns out to be damaged', async () => {
    const steps: string[] = []
    const openRestore: Programs['openRestore'] = async (_config, { file, force }) => {
      steps.push(`open ${file} ${force}`)
      return {
        manifest: { created_at: '2026-01-02T03:04:05.000Z', signalbox_version: '0.9.0' },
        fileBytes: 10,
        check: () => Promise.reject(new Error('x.tar.gz is damaged.')),
        load: unused,
        close: async () => void steps.push('closed'),
      }
    }
    const { code, out, err } = await run(['restore', 'x.tar.gz', '--force'], { openRestore })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe('Backup of 2026-01-02 03:04 UTC, made by Signalbox 0.9.0.\nerror: x.tar.gz is damaged.\n')
    expect(steps).toEqual(['open x.tar.gz true', 'closed'])
  })
})

describe('the greeting', () => {
  const facts = {
    proxyUrl: 'http://0.0.0.0:3000',
    dashboardUrl: 'http://0.0.0.0:3001/',
    dashboardKey: { value: 'a/b', file: '/d/dashboard-key' },
    psql: null,
    databaseUp: true,
    simulated: false,
    graceSeconds: 30,
  }

  test('names addresses one can go to, and a link that signs in', () => {
    const text = renderGreeting(facts)
    expect(text).toContain('http://127.0.0.1:3001/#key=a%2Fb')
    expect(text).toMatch(/^export ANTHROPIC_BASE_URL=http:\/\/127\.0\.0\.1:3000$/m)
    expect(text).toContain('(kept in /d/dashboard-key)')
  })

  test('does not repeat a key that the operator chose', () => {
    const text = renderGreeting({ ...facts, dashboardKey: null })
    expect(text).toContain('DASHBOARD_API_KEY')
    expect(text).not.toContain('#key=')
  })

  test('leaves out what does not run', () => {
    expect(renderGreeting({ ...facts, proxyUrl: null })).not.toContain('ANTHROPIC_BASE_URL')
    expect(renderGreeting({ ...facts, dashboardUrl: null })).not.toContain('dashboard')
  })
})

test('an expiry is a span from now or a day, in one zone for all', () => {
  const now = Date.UTC(2026, 0, 1)
  expect(parseExpiry('12h', now)).toBe(now + 12 * 3_600_000)
  expect(parseExpiry('30d', now)).toBe(now + 30 * 24 * 3_600_000)
  expect(parseExpiry('2026-02-01', now)).toBe(Date.UTC(2026, 1, 1))
  expect(parseExpiry('2026-02-01T10:00:00+02:00', now)).toBe(Date.UTC(2026, 1, 1, 8))
  for (const wrong of ['', '30', '30m', '2026-13-01', '2026-02-01T10:00', '0d', '2025-01-01']) {
    expect(() => parseExpiry(wrong, now), wrong).toThrow()
  }
})

test('a table can not be used to move the cursor', () => {
  expect(
    renderTable(
      ['a', 'b'],
      [
        ['1', '2'],
        ['333', ''],
      ],
    ),
  ).toBe('  a  b\n  1  2\n333\n')
  expect(printable('a\u001b[2Jb\u202ec\n')).toBe('a?[2Jb?c?')
})
