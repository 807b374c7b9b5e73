import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { recordedExchange } from '../../test/support/recorded-exchange.ts'
import { openTestStore } from '../../test/support/store.ts'
import { configSchema } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { exportLedger, importCsvFile, importTranscripts } from './history.ts'

// Real databases and sockets, on machines that have other things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'signalbox-history-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const now = systemClock.now()
const work = { signal: new AbortController().signal, onProgress: () => undefined }
const question = { from: now - 86_400_000, to: now + 1_000, filter: {} }

/** A ledger with rows, and settings that lead to it, as a command has them while an instance runs. */
async function ledgerWith(rows: number) {
  const store = await openTestStore()
  await store.writeExchanges(Array.from({ length: rows }, (_, index) => recordedExchange(now - index * 10)))
  const settings = { dataDir: directory, store: { databaseUrl: store.connectionUrl() } }
  return { store, settings, config: configSchema.parse(settings) }
}

test('a file is there whole, with its progress told, and is not replaced unasked', async () => {
  const { config } = await ledgerWith(2_500)
  const file = path.join(directory, 'out.jsonl')
  const told: [number, number | undefined][] = []
  const onProgress = (done: number, total?: number) => void told.push([done, total])
  const options = { question, format: 'jsonl', file, force: false } as const
  expect(await exportLedger(config, options, { ...work, onProgress })).toEqual({ rows: 2_500 })
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(2_500)
  expect(told.at(-1)).toEqual([2_500, 2_500])
  await expect(exportLedger(config, options, work)).rejects.toThrow('is there already')
  expect(await exportLedger(config, { ...options, force: true }, work)).toEqual({ rows: 2_500 })
  expect(readdirSync(directory).filter((name) => name.includes('out'))).toEqual(['out.jsonl'])
})

test('an export that is interrupted leaves no file, and that of before as it was', async () => {
  const { config } = await ledgerWith(2_500)
  const file = path.join(directory, 'out.csv')
  writeFileSync(file, 'the file of before')
  const stop = new AbortController()
  const onProgress = () => stop.abort(new Error('enough'))
  const options = { question, format: 'csv', file, force: true } as const
  await expect(exportLedger(config, options, { signal: stop.signal, onProgress })).rejects.toThrow('enough')
  expect(readFileSync(file, 'utf8')).toBe('the file of before')
  expect(readdirSync(directory).filter((name) => name.includes('out'))).toEqual(['out.csv'])
})

test('what does not exist is told by its name', async () => {
  const { config } = await ledgerWith(0)
  const nowhere = path.join(directory, 'nowhere')
  await expect(importTranscripts(config, { directory: nowhere, domain: undefined }, work)).rejects.toThrow(nowhere)
  const csv = { file: nowhere, domain: 'd', map: {}, skipInvalid: false, ignoreUnknown: false }
  await expect(importCsvFile(config, csv, work)).rejects.toThrow(nowhere)
  writeFileSync(nowhere, 'modle\n')
  await expect(importCsvFile(config, csv, work)).rejects.toThrow(/nowhere, line 1: the column "modle" is none of ours/)
})

test('history is imported into the ledger that the settings name, and priced by their overrides', async () => {
  const { store, settings } = await ledgerWith(1)
  const file = path.join(directory, 'history.csv')
  const at = new Date(now - 3_600_000).toISOString()
  writeFileSync(file, `created_at,provider,model,input_tokens\n${at},own,house-model,1000000\n`)
  const price = {
    provider: 'own',
    model: 'house-model',
    inputPerMillion: 7,
    outputPerMillion: 0,
    cacheReadPerMillion: 0,
    cacheWrite5mPerMillion: 0,
    cacheWrite1hPerMillion: 0,
  }
  const priced = configSchema.parse({ ...settings, recorder: { prices: [price] } })
  const csv = { file, domain: 'd', map: {}, skipInvalid: false, ignoreUnknown: false }
  expect(await importCsvFile(priced, csv, work)).toMatchObject({ imported: 1 })
  const { total } = await store.queries.stats({ ...question, domain: 'd', source: 'import' })
  expect(total).toMatchObject({ requests: 1, costUsd: 7 })
})
