import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorTable } from '../core/errors.ts'
import { generatedDocs } from './docs.ts'
import { fieldsOf } from './fields.ts'
import { configSchema } from './schema.ts'

test.each(Object.entries(generatedDocs))(
  'docs/%s is what the code says; `npm run docs` writes it anew',
  (name, render) => {
    expect(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')).toBe(render())
  },
)

test('the page of settings has a row for each', () => {
  const page = generatedDocs['configuration.md']?.() ?? ''
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  expect(rows).toHaveLength(fieldsOf(configSchema).length)
  expect(page).toContain('| `http.proxyPort` | `PROXY_PORT` | a whole number from 0 to 65535 | `3000` |')
})

test('the page of errors has a row for each', () => {
  const page = generatedDocs['errors.md']?.() ?? ''
  for (const type of Object.keys(errorTable)) expect(page).toContain(`| \`${type}\` |`)
})
