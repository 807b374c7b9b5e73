// @ts-check
/**
 * A worker thread that says when the next request of an open loop is due. Timers of the event loop are a millisecond
 * coarse, which is more than the gateway adds; a futex wait is exact to some 60 µs and costs no CPU.
 *
 * `workerData`: `{ arrivalsUs }`, ascending times of the monotonic clock. Posts each time when it has come.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { nowUs } from './clock.mjs'

const cell = new Int32Array(new SharedArrayBuffer(4))
for (const dueUs of /** @type {Float64Array} */ (workerData.arrivalsUs)) {
  const waitUs = dueUs - nowUs()
  if (waitUs > 0) Atomics.wait(cell, 0, 0, waitUs / 1000)
  parentPort?.postMessage(dueUs)
}
