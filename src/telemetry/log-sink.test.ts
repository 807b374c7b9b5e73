import { mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { movableClock, until } from '../../test/support/telemetry.ts'
import { fileTarget } from './file-target.ts'
import { LogSink, type LogTarget } from './log-sink.ts'
import { streamTarget } from './stream-target.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-log-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const quick = { gatherMs: 1, retryMs: 5 }
const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')

/** A target whose writes the test settles: each call of `take` is the next answer. */
function scriptedTarget() {
  const written: string[] = []
  const answers: (number | Error)[] = []
  let renewed = false
  const target: LogTarget = {
    async write(chunk) {
      const answer = answers.shift() ?? chunk.length
      if (answer instanceof Error) throw answer
      written.push(chunk.subarray(0, answer).toString())
      return Math.min(answer, chunk.length)
    },
    async renew() {
      const changed = renewed
      renewed = false
      if (changed) written.push('<new file>')
      return changed
    },
    async close() {},
  }
  return { target, written, answers, changeFile: () => (renewed = true) }
}

describe('the queue before a target', () => {
  test('writes whole lines in few writes', async () => {
    const { target, written } = scriptedTarget()
    const sink = new LogSink(target, { gatherMs: 1, batchBytes: 40 })
    for (let line = 0; line < 10; line++) sink.push(`line number ${line}\n`)
    await sink.close()
    expect(written.join('')).toBe(Array.from({ length: 10 }, (_, line) => `line number ${line}\n`).join(''))
    expect(written.length).toBeLessThan(10)
    expect(written.every((chunk) => chunk.endsWith('\n'))).toBe(true)
  })

  test('that is full drops the newest lines and counts each', async () => {
    const { target, written } = scriptedTarget()
    const sink = new LogSink(target, { ...quick, queueBytes: 30 })
    for (let line = 0; line < 10; line++) sink.push(`line ${line}\n`)
    expect(sink.state()).toMatchObject({ droppedLines: 6, queuedBytes: 28, healthy: false })
    await sink.close()
    expect(written.join('')).toBe('line 0\nline 1\nline 2\nline 3\n')
    expect(sink.state().queuedBytes).toBe(0)
  })

  test('tries again after a failure, with the rest and not with the whole', async () => {
    const { target, written, answers } = scriptedTarget()
    answers.push(new Error('ENOSPC'), 5, new Error('ENOSPC'))
    const sink = new LogSink(target, quick)
    sink.push('one line\n')
    sink.push('two line\n')
    await until(() => written.join('') === 'one line\ntwo line\n', 'both lines')
    await until(() => sink.state().healthy, 'healthy again')
    expect(sink.state()).toMatchObject({ writeErrors: 2, droppedLines: 0 })
    await sink.close()
  })

  test('repeats a line whole when the file changed in its middle', async () => {
    const { target, written, answers, changeFile } = scriptedTarget()
    answers.push(13, new Error('ENOSPC'))
    const sink = new LogSink(target, quick)
    sink.push('one line\n')
    sink.push('two line\n')
    await until(() => sink.state().writeErrors === 1, 'the failure')
    changeFile()
    await until(() => sink.state().queuedBytes === 0, 'both lines')
    expect(written).toEqual(['one line\ntwo ', '<new file>', 'two line\n'])
    await sink.close()
  })

  test('closes within its deadline though the target hangs, and counts what was lost', async () => {
    const hanging: LogTarget = {
      write: () => new Promise(() => {}),
      renew: async () => false,
      close: () => new Promise(() => {}),
    }
    const sink = new LogSink(hanging, quick)
    sink.push('lost\n')
    sink.push('lost\n')
    await sink.close(20)
    sink.push('too late\n')
    expect(sink.state()).toMatchObject({ healthy: false, droppedLines: 3 })
  })

  test('closes within its deadline though the target fails', async () => {
    const failing: LogTarget = {
      write: () => Promise.reject(new Error('EIO')),
      renew: async () => false,
      close: async () => {},
    }
    const sink = new LogSink(failing, quick)
    sink.push('lost\n')
    await sink.close(50)
    expect(sink.state().droppedLines).toBe(1)
  })
})

describe('a log file', () => {
  const file = (): string => path.join(folder, 'deep', 'er', 'app.log')
  const open = (name: string, clock = movableClock()) => new LogSink(fileTarget(name, clock), quick)

  test('is made with its folders, readable by its owner and group alone, and appended to', async () => {
    for (const line of ['one\n', 'two\n']) {
      const sink = open(file())
      sink.push(line)
      await sink.close()
    }
    expect(await read(file())).toBe('one\ntwo\n')
    expect((await stat(file())).mode & 0o777 & ~0o640).toBe(0)
  })

  test('that was moved away is made anew when asked, with no line lost or torn', async () => {
    const sink = open(file())
    let pushed = 0
    const pushSome = (): void => {
      for (let line = 0; line < 500; line++) sink.push(`line ${pushed++}\n`)
    }
    for (let turn = 1; turn <= 3; turn++) {
      pushSome()
      await until(async () => (await read(file())) !== '', 'lines')
      await rename(file(), `${file()}.${turn}`)
      pushSome()
      sink.reopen()
      pushSome()
      await until(async () => (await read(file())) !== '', 'lines in the new file')
    }
    await sink.close()
    const parts = await Promise.all([1, 2, 3].map((turn) => read(`${file()}.${turn}`)))
    expect([...parts, await read(file())].join('')).toBe(
      Array.from({ length: pushed }, (_, line) => `line ${line}\n`).join(''),
    )
  })

  test('is made on reopening though no line follows', async () => {
    const sink = open(file())
    sink.push('one\n')
    await until(async () => (await read(file())) !== '', 'a line')
    await rename(file(), `${file()}.1`)
    sink.reopen()
    await until(
      () =>
        stat(file()).then(
          () => true,
          () => false,
        ),
      'a new file',
    )
    await sink.close()
  })

  test('that was removed without a word is noticed', async () => {
    const clock = movableClock()
    const sink = open(file(), clock)
    sink.push('one\n')
    await until(async () => (await read(file())) !== '', 'a line')
    await rm(file())
    clock.advance(6000)
    sink.push('two\n')
    await until(async () => (await read(file())) === 'two\n', 'a new file')
    await sink.close()
  })

  test('that is copied and truncated goes on at its beginning, without a hole', async () => {
    const sink = open(file())
    sink.push('one\n')
    await until(async () => (await read(file())) === 'one\n', 'a line')
    await truncate(file())
    sink.push('two\n')
    await sink.close()
    expect(await read(file())).toBe('two\n')
  })

  test('with half a line from before a crash begins a line of its own', async () => {
    const name = path.join(folder, 'app.log')
    await writeFile(name, '{"half":')
    const sink = open(name)
    sink.push('whole\n')
    await sink.close()
    expect(await read(name)).toBe('{"half":\nwhole\n')
  })

  test('that can not be opened keeps its lines until it can', async () => {
    const blocker = path.join(folder, 'deep')
    await writeFile(blocker, 'a file where a folder should be')
    const sink = open(file())
    sink.push('patient\n')
    await until(() => sink.state().writeErrors > 1, 'failures')
    expect(sink.state()).toMatchObject({ healthy: false, droppedLines: 0 })
    await rm(blocker)
    await until(async () => (await read(file())) === 'patient\n', 'the line')
    await until(() => sink.state().healthy, 'healthy again')
    await sink.close()
  })

  test('whose new place can not be opened on rotation goes on in the old one', async () => {
    const sink = open(file())
    sink.push('one\n')
    await until(async () => (await read(file())) === 'one\n', 'a line')
    await rename(path.dirname(file()), `${path.dirname(file())}.old`)
    await writeFile(path.dirname(file()), 'in the way')
    sink.reopen()
    sink.push('two\n')
    const old = path.join(`${path.dirname(file())}.old`, 'app.log')
    await until(async () => (await read(old)) === 'one\ntwo\n', 'the line in the old file')
    expect(sink.state().writeErrors).toBe(1)
    await sink.close()
  })

  test.skipIf(process.platform !== 'linux')('on a full disk is counted, and harms nobody', async () => {
    const sink = new LogSink(fileTarget('/dev/full', movableClock()), quick)
    sink.push('no room\n')
    await until(() => sink.state().writeErrors > 1, 'failures')
    expect(sink.state().healthy).toBe(false)
    await sink.close(20)
    expect(sink.state().droppedLines).toBe(1)
  })
})

describe('a stream', () => {
  test('whose reader is slow is waited for; the queue stays bounded', async () => {
    const stream = new PassThrough({ highWaterMark: 10 })
    const sink = new LogSink(streamTarget(stream), { ...quick, queueBytes: 1000 })
    for (let line = 0; line < 1000; line++) sink.push(`line ${line}\n`)
    await until(() => stream.readableLength > 0, 'the first write')
    for (let line = 0; line < 1000; line++) sink.push(`line ${line}\n`)
    expect(sink.state().queuedBytes).toBeLessThanOrEqual(1000)
    expect(sink.state().droppedLines).toBeGreaterThan(1000)
    stream.resume()
    await sink.close()
  })

  test('that breaks is given up, each line counted, and nothing thrown', async () => {
    const stream = new PassThrough()
    const sink = new LogSink(streamTarget(stream), quick)
    stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    sink.push('one\n')
    await until(() => sink.state().droppedLines === 1, 'the drop')
    sink.push('two\n')
    await sink.close()
    expect(sink.state()).toMatchObject({ healthy: false, droppedLines: 2 })
  })
})
