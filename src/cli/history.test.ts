import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { claudeConfigDir } from '../config/claude-config-dir.ts'
import { runCli } from './cli.ts'
import type { HistoryPrograms, ImportedCsv, ImportedTranscripts } from './history-programs.ts'
import type { Programs } from './programs.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'signalbox-cli-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

async function run(args: readonly string[], programs: Partial<HistoryPrograms> = {}, outIsTty = false) {
  const said = { out: '', err: '' }
  const terminal = {
    outIsTty,
    showStacks: false,
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
  }
  const code = await runCli([...args, '--data-dir', dataDir], {
    programs: programs as Programs, // only these commands are run here
    terminal,
    version: '1.2.3',
  })
  return { code, out: said.out, err: said.err.replaceAll(/^warning: .*\n/gm, '') }
}

const transcripts: ImportedTranscripts = {
  files: 12,
  bytes: 1_000,
  messages: 3_400,
  imported: 3_000,
  alreadyThere: 300,
  measured: 100,
  rejected: 0,
  repeated: 7,
  skipped: { synthetic: 2, api_error: 0, no_usage: 0, no_id: 0, no_time: 0, unfinished: 1 },
  brokenLines: 4,
  tooLongLines: 0,
  links: 0,
  unreadable: ['a\u001b[31m.jsonl'],
  unreadableTotal: 1,
  rejectedReasons: [],
}
const csv: ImportedCsv = {
  rows: 10,
  imported: 7,
  alreadyThere: 1,
  measured: 0,
  rejected: 0,
  invalid: 2,
  mistakes: [
    { line: 3, column: 'model', message: 'is longer than 300 characters' },
    { line: 9, column: null, message: 'has 1 cell(s) fewer than the first line' },
  ],
  refused: false,
  rejectedReasons: [],
}

describe('import claude-code', () => {
  test('says what it found and what became of it, and leaves out what is nought', async () => {
    const asked: unknown[] = []
    const importTranscripts: HistoryPrograms['importTranscripts'] = async (_config, options) => {
      asked.push(options)
      return transcripts
    }
    const { code, out } = await run(['import', 'claude-code', '/somewhere', '--domain', 'me'], { importTranscripts })
    expect(code).toBe(0)
    expect(asked).toEqual([{ directory: '/somewhere', domain: 'me' }])
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'files | 12 below /somewhere',
      'messages | 3,400',
      'imported | 3,000',
      'already there | 300',
      'measured | 100 | (this gateway forwarded them and knows better)',
      'repeated | 7 | (copies in forked conversations)',
      'unfinished | 1 | (still being written; import again later)',
      'synthetic | 2 | (lines of the program itself, no calls)',
      'broken lines | 4 | (torn or damaged)',
      expect.stringMatching(/^unreadable \| 1 \| \(a.*31m\.jsonl\)$/),
      '',
    ])
    expect(out).not.toContain('\u001b')
  })

  test('looks where Claude Code itself looks', () => {
    expect(claudeConfigDir({ CLAUDE_CONFIG_DIR: '/srv/claude' })).toBe('/srv/claude')
    expect(path.basename(claudeConfigDir({}))).toBe('.claude')
    expect(claudeConfigDir({ CLAUDE_CONFIG_DIR: '' })).toBe(claudeConfigDir({}))
  })
})

describe('import csv', () => {
  test('tells the rows that it left out, each with its line', async () => {
    const asked: unknown[] = []
    const importCsvFile: HistoryPrograms['importCsvFile'] = async (_config, options) => {
      asked.push(options)
      return csv
    }
    const args = ['import', 'csv', '/h.csv', '--map', 'model=engine=x', '--map', 'created_at=Time', '--skip-invalid']
    const { code, out, err } = await run(args, { importCsvFile })
    expect(code).toBe(0)
    const map = { model: 'engine=x', created_at: 'Time' }
    expect(asked).toEqual([{ file: '/h.csv', domain: 'import', map, skipInvalid: true, ignoreUnknown: false }])
    expect(err).toMatch(
      /^line 3, model: is longer than 300 characters\nline 9: has 1 cell\(s\) fewer than the first line\n/,
    )
    expect(err).toContain('signalbox stats --source import')
    expect(out).toMatch(/rows +10\nimported +7\nalready there +1\nleft out +2/)
  })

  test('a file with mistakes is a failure that says what to do', async () => {
    const refused = { ...csv, imported: 0, alreadyThere: 0, refused: true }
    const { code, out, err } = await run(['import', 'csv', 'h.csv'], { importCsvFile: async () => refused })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('error: Nothing was imported: 2 of 10 rows are wrong.')
  })

  test.each([['created_at'], ['=x'], ['model=']])('--map %s is misuse', async (map) => {
    expect((await run(['import', 'csv', 'h.csv', '--map', map])).code).toBe(2)
  })
})

describe('export', () => {
  const questions: Parameters<HistoryPrograms['exportLedger']>[1][] = []
  const exportLedger: HistoryPrograms['exportLedger'] = async (_config, options) => {
    questions.push(options)
    return { rows: 1_234 }
  }
  beforeEach(() => questions.splice(0))

  test('asks what the flags say', async () => {
    const flags = [
      '--format',
      'parquet',
      '--from',
      '2026-11-01',
      '--to',
      '2026-11-20T12:00:00+01:00',
      '--source',
      'all',
    ]
    const filters = ['--domain', 'web', '--model', 'm', '--key', 'k_1', '--status', 'failed', '--session', 's']
    const { code, out, err } = await run(['export', ...flags, ...filters, '-o', '/x.parquet'], { exportLedger })
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(err).toBe('1,234 rows in /x.parquet\n')
    expect(questions).toMatchObject([
      {
        format: 'parquet',
        file: '/x.parquet',
        force: false,
        question: {
          from: Date.UTC(2026, 10, 1),
          to: Date.UTC(2026, 10, 20, 11),
          source: 'all',
          filter: { domain: 'web', model: 'm', keyId: 'k_1', status: 'failed', sessionId: 's' },
        },
      },
    ])
  })

  test('without flags it is all that was measured, as CSV, to standard output', async () => {
    const { err } = await run(['export'], { exportLedger })
    expect(err).toBe('')
    expect(questions).toMatchObject([{ format: 'csv', file: null, question: { source: 'wire' } }])
  })

  test.each([
    [['--format', 'xml'], 'Allowed choices are csv, json, jsonl, parquet'],
    [['--from', 'yesterday'], 'must be an ISO 8601 time'],
    [['--from', '2026-11-02', '--to', '2026-11-01'], '--to must be after --from'],
    [['--source', 'dream'], 'Allowed choices are wire, import, all'],
  ])('%j is misuse', async (flags, words) => {
    const { code, err } = await run(['export', ...flags], { exportLedger })
    expect(code).toBe(2)
    expect(err).toContain(words)
    expect(questions).toHaveLength(0)
  })

  test('Parquet is not drawn on a terminal', async () => {
    expect(await run(['export', '--format', 'parquet'], { exportLedger }, true)).toMatchObject({ code: 2 })
  })
})
