import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { installReopenSignals } from './reopen-signals.ts'

test('both signals of log rotation reopen the file, until taken off', () => {
  const process = new EventEmitter()
  let reopened = 0
  const remove = installReopenSignals(process, () => {
    reopened += 1
  })
  process.emit('SIGUSR1', 'SIGUSR1')
  process.emit('SIGHUP', 'SIGHUP')
  expect(reopened).toBe(2)
  remove()
  process.emit('SIGUSR1', 'SIGUSR1')
  expect(reopened).toBe(2)
  expect(process.eventNames()).toEqual([])
})
