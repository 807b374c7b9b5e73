import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Counts of a call that its transcript must tell as the wire did. */
const told = [
  'model',
  'stop_reason',
  'session_id',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
  'cost_usd',
]

/**
 * Imports the CLI's own transcripts: into the ledger that measured the same calls, where nothing may be added, and into an
 * empty one, where every row must say what the wire said.
 */
export async function checkImport({ report, main, transcripts, gateway, emptyDataDir, calls }) {
  report.say('\nthe import of its transcripts')
  const signalbox = async (dataDir, ...args) => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir }
    const { stdout, stderr } = await run(process.execPath, [main, ...args], { env, timeout: 60_000 })
    report.remember(stderr)
    return stdout
  }
  const figures = (text) =>
    Object.fromEntries([...text.matchAll(/^(\S[\w ]*?) {2,}([\d,]+)/gm)].map(([, name, value]) => [name, value]))

  const measured = figures(await signalbox(gateway.dataDir, 'import', 'claude-code', transcripts))
  report.equal('what was measured is not imported', [measured.imported, measured.measured], ['0', String(calls)])
  const first = figures(await signalbox(emptyDataDir, 'import', 'claude-code', transcripts))
  report.equal(
    'an empty ledger takes every call once',
    [first.messages, first.imported],
    [String(calls), String(calls)],
  )
  const again = figures(await signalbox(emptyDataDir, 'import', 'claude-code', transcripts))
  report.equal('a second import adds nothing', [again.imported, again['already there']], ['0', String(calls)])

  const rows = (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const wire = rows(await signalbox(gateway.dataDir, 'export', '--format', 'jsonl')).filter(
    (row) => row.endpoint === 'messages',
  )
  const imported = rows(await signalbox(emptyDataDir, 'export', '--format', 'jsonl', '--source', 'import'))
  for (const row of wire) {
    const twin = imported.find((one) => one.upstream_request_id === row.upstream_request_id)
    const facts = (one) => one && Object.fromEntries(told.map((name) => [name, one[name]]))
    report.equal(`${row.upstream_request_id} is told as it was measured`, facts(twin), facts(row))
  }
}
