// What a runbook says to type is typed here, so that nobody finds out at night that it is wrong.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { metricCatalogue } from '../../src/telemetry/metric-catalogue.ts'
import { createTestDatabase } from '../support/postgres.ts'

const folder = 'docs/runbooks'
const pages = readdirSync(folder).map((file) => ({ file, text: readFileSync(path.join(folder, file), 'utf8') }))
const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '')

test('the SQL of the runbooks is answered', async () => {
  const database = await createTestDatabase()
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    const statements = pages.flatMap(({ file, text }) =>
      // The extension is there only where the server was started with it; test/guide-sql.test.ts has that.
      blocksOf(text, 'sql').flatMap((sql) => (sql.includes('pg_stat_statements') ? [] : [{ file, sql }])),
    )
    expect(statements.length).toBeGreaterThan(8)
    for (const { file, sql } of statements) {
      await client.query(sql).catch((error: unknown) => expect.fail(`${file}: ${String(error)}\n${sql}`))
    }
  } finally {
    await client.end()
    await database.drop()
  }
})

test('the shell commands of the runbooks can be read by a shell', () => {
  for (const { file, text } of pages) {
    for (const script of blocksOf(text, 'sh')) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
      expect(stderr, file).toBe('')
      expect(status, file).toBe(0)
    }
  }
})

test('the links between the runbooks lead somewhere', () => {
  for (const { file, text } of pages) {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!target.startsWith('http')) expect(existsSync(path.join(folder, target)), `${file}: ${target}`).toBe(true)
    }
  }
})

test('the metrics that the runbooks name are in the catalogue', () => {
  for (const { file, text } of pages) {
    for (const [, name = ''] of text.matchAll(/`(signalbox_\w+)[`{]/g))
      expect(metricCatalogue, file).toHaveProperty([name])
  }
})
