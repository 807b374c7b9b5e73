/** Reading journals in tests. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createJournalReader, createSetAside, type JournalReader, journalStart } from '../../src/journal/index.ts'

/** A directory that is gone when the test is over. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'signalbox-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A reader of the journals under `<directory>/journal`, whose writers are all gone unless told otherwise. */
export function journalReader(directory: string, isAlive: (name: string) => boolean = () => false): JournalReader {
  return createJournalReader({
    root: path.join(directory, 'journal'),
    isAlive,
    setAside: createSetAside({ directory: path.join(directory, 'journal-rejected'), logger: silentLogger }),
    logger: silentLogger,
  })
}

/** The payloads of a journal that can be read now, in order. */
export async function payloadsOf(reader: JournalReader, journal: string): Promise<string[]> {
  const cursor = reader.cursor(journal, journalStart)
  const payloads: string[] = []
  try {
    for (;;) {
      const step = await cursor.read()
      if (step.kind !== 'records') return payloads
      payloads.push(...step.records.map((record) => record.payload.toString('utf8')))
    }
  } finally {
    await cursor.close()
  }
}
