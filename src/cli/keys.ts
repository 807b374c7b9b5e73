import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { ClientKey } from '../core/client-key.ts'
import { systemClock } from '../core/clock.ts'
import { parseExpiry } from './expiry.ts'
import type { KeyStore, Programs } from './programs.ts'
import { loadFor, withSettingFlags } from './setting-flags.ts'
import { renderTable } from './table.ts'
import { CommandError, type Terminal } from './terminal.ts'

/** `signalbox keys create|list|revoke`: who may call. Works while the gateway runs, which notices by itself. */
export function addKeys(program: Command, programs: Programs, terminal: Terminal): void {
  const keys = program.command('keys').description('Client keys: who may call, and for which domain.')

  withSettingFlags(keys.command('create'))
    .description('Make a key. It is printed once and kept as a hash only.')
    .requiredOption('--domain <NAME>', 'the project its calls belong to', parseDomain)
    .option('--name <TEXT>', 'a note for the list', '')
    .option('--expires <WHEN>', 'such as 30d, 12h or 2027-01-31 (default: never)', (text) =>
      parseExpiry(text, systemClock.now()),
    )
    .action(async (options: { domain: string; name: string; expires?: number }, command: Command) => {
      await withKeys(programs, terminal, command, async (store) => {
        const { domain, name, expires } = options
        const { id, key } = await store.create({ domain, name, expiresAt: expires ?? null })
        const until = expires === undefined ? 'never expires' : `expires ${dayAndTime(expires)}`
        terminal.err(`Key ${id} for the domain ${domain} (${until}). It is shown this once:\n`)
        terminal.out(`${key}\n`)
      })
    })

  withSettingFlags(keys.command('list'))
    .description('List the keys.')
    .option('--json', 'as JSON, for programs')
    .action(async (options: { json?: boolean }, command: Command) => {
      await withKeys(programs, terminal, command, async (store) => {
        const found = await store.list()
        // The hash is no secret of great use, but nobody needs it either.
        if (options.json === true)
          return terminal.out(`${JSON.stringify(found.map(({ hash: _hash, ...key }) => key))}\n`)
        terminal.out(found.length === 0 ? 'There are no client keys.\n' : renderKeys(found, systemClock.now()))
      })
    })

  withSettingFlags(keys.command('revoke'))
    .description('Revoke a key at once and for good.')
    .argument('<ID>', 'such as k_0123456789ab; signalbox keys list shows it')
    .action(async (id: string, _options: unknown, command: Command) => {
      await withKeys(programs, terminal, command, async (store) => {
        const revoked = await store.revoke(id)
        if (revoked === null)
          throw new CommandError(`There is no key ${shortened(id)}. \`signalbox keys list\` shows the ids.`)
        terminal.out(`Key ${revoked.id} (domain ${revoked.domain}) is revoked.\n`)
      })
    })
}

async function withKeys(
  programs: Programs,
  terminal: Terminal,
  command: Command,
  use: (store: KeyStore) => Promise<void>,
): Promise<void> {
  const store = await programs.openKeys(loadFor(command, terminal).config)
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

/** Domains are metric labels and URL parts; the set is the one of host names, plus what people name projects with. */
function parseDomain(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/.test(text)) return text
  throw new InvalidArgumentError('Use letters, digits, dots, dashes and underscores, at most 100.')
}

/** Somebody may well paste the key itself where its id belongs. */
const shortened = (id: string): string => (/^k_[0-9a-f]{1,12}$/.test(id) ? id : 'of that id')

function renderKeys(keys: readonly ClientKey[], now: number): string {
  const rows = keys.map((key) => [key.id, key.domain, key.name, stateOf(key, now)])
  return renderTable(['id', 'domain', 'name', 'state'], rows)
}

function stateOf({ revokedAt, expiresAt }: ClientKey, now: number): string {
  if (revokedAt !== null) return `revoked ${dayAndTime(revokedAt)}`
  if (expiresAt === null) return 'valid'
  return expiresAt <= now ? `expired ${dayAndTime(expiresAt)}` : `valid until ${dayAndTime(expiresAt)}`
}

const dayAndTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
