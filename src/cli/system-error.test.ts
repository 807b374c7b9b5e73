import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { explainSystemError } from './system-error.ts'

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it worked'),
    (error: Error) => error,
  )

test('a file in no directory: says which directory is missing', async () => {
  expect(explainSystemError(await failure(readFile('/nope/x.csv')))).toBe(
    '/nope/x.csv can not be found or made: is there a directory /nope?',
  )
})

test('a directory in a file’s place', async () => {
  expect(explainSystemError(await failure(readFile('/dev/null/x')))).toContain('a part of this path is a file')
})

test('a server that is not there: says the address, and what to look at', async () => {
  const refused = new Promise((_resolve, reject) => {
    connect(1, '127.0.0.1').once('error', reject)
  })
  expect(explainSystemError(await failure(refused))).toBe(
    'Nothing answers at 127.0.0.1:1 (ECONNREFUSED). Is the database running there, and is DATABASE_URL right?',
  )
})

test('anything else keeps its own words', () => {
  expect(explainSystemError(new Error('the file is no backup'))).toBeNull()
})
