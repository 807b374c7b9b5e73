// @ts-check
/**
 * Preloaded (`--import`) into a process to be profiled: SIGUSR2 starts the CPU profiler, the next SIGUSR2 stops it and
 * writes `<PROFILE_DIR>/<pid>.cpuprofile`. `--cpu-prof` cannot be passed to the workers of a cluster on Node 20.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'

/** @type {Session | null} */
let session = null

process.on('SIGUSR2', () => {
  if (session === null) {
    session = new Session()
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: 200 })
    session.post('Profiler.start')
    return
  }
  const stopping = session
  session = null
  stopping.post('Profiler.stop', (error, result) => {
    if (error !== null) throw error
    const file = join(process.env.PROFILE_DIR ?? '.', `${process.pid}.cpuprofile`)
    writeFileSync(`${file}.part`, JSON.stringify(result.profile))
    renameSync(`${file}.part`, file) // whole or not there
    stopping.disconnect()
  })
})
