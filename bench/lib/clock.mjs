// @ts-check
/** Microseconds of CLOCK_MONOTONIC: the same clock in every process and thread of the machine, unlike `performance.now()`. */
export function nowUs() {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + nanoseconds / 1e3
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
