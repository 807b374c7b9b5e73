import { expect, test } from 'vitest'
import { renderGreeting } from './greeting.ts'

const facts = {
  proxyUrl: 'http://127.0.0.1:3000',
  dashboardUrl: 'http://127.0.0.1:3001',
  dashboardKey: null,
  psql: 'psql "the address"',
  databaseUp: true,
  simulated: false,
  graceSeconds: 30,
}

test('the greeting says how to open the database, or that it does not answer yet', () => {
  expect(renderGreeting(facts)).toMatch(/^ {2}database +psql "the address"$/m)
  const away = renderGreeting({ ...facts, databaseUp: false })
  expect(away).toMatch(/^ {2}database +does not answer yet: calls are served and kept/m)
  expect(away).not.toContain('psql')
  // A database of the operator's own is not worth a line while it answers.
  expect(renderGreeting({ ...facts, psql: null })).not.toContain('database ')
})
