// @ts-check
/**
 * The targets of the project, held against a result. `met` is null where the run did not measure it, or not soundly.
 * @typedef {{ target: string, wanted: string, got: string, met: boolean | null, strict?: string }} Verdict
 * `strict` is the same figure against the strongest bare pass-through; the target is defined against the plain one.
 */

/** @param {any} result as `run.mjs` saves it @returns {Verdict[]} */
export function verdicts(result) {
  /** @type {Verdict[]} */
  const list = []
  const atLeast = (
    /** @type {string} */ target,
    /** @type {number} */ wanted,
    /** @type {number | null | undefined} */ got,
    unit = ' ×',
  ) =>
    list.push({
      target,
      wanted: `≥ ${wanted}${unit}`,
      got: got == null ? 'not measured' : `${got}${unit}`,
      met: got == null ? null : got >= wanted,
    })
  const atMost = (
    /** @type {string} */ target,
    /** @type {number} */ wanted,
    /** @type {number | null | undefined} */ got,
    unit = ' ms',
  ) =>
    list.push({
      target,
      wanted: `≤ ${wanted}${unit}`,
      got: got == null ? 'not measured' : `${got}${unit}`,
      met: got == null ? null : got <= wanted,
    })
  const throughput = (/** @type {string} */ name, /** @type {string} */ load, /** @type {number} */ wanted) => {
    const row = rowOf(result.saturation, load, 'gateway')
    const pinned = result.settings.layout.pinned
    const compared = [row, rowOf(result.saturation, load, 'bare')]
    const busy = compared.every((one) => (one?.coreShare?.worker ?? 0) >= 0.9)
    atLeast(`${name}: throughput over bare`, wanted, row?.ratio?.median)
    // A worker that did not have its core proves nothing, neither for the gateway nor against it.
    if (row !== undefined && pinned && !busy) {
      Object.assign(list.at(-1) ?? {}, { got: `${row.ratio.median} ×, not saturated`, met: null })
    }
    if (row?.ratioToTuned?.median == null) return
    Object.assign(list.at(-1) ?? {}, { strict: `${Math.min(row.ratio.median, row.ratioToTuned.median)} ×` })
  }
  throughput('1 KB', '1k', 0.65)
  throughput('200 KB', '200k', 0.8)
  throughput('whole streams', 'stream', 0.7)
  const added = (/** @type {'p50' | 'p99'} */ q) => {
    const us = rowOf(result.latency, '1k', 'gateway')?.addedOverBareUs?.[q]
    return us == null ? null : Math.round(us / 10) / 100
  }
  atMost('1 KB: added p50 over bare', 0.5, added('p50'))
  atMost('1 KB: added p99 over bare', 3, added('p99'))
  if ((result.othersCores?.median ?? 0) > 0.1) {
    for (const verdict of list.slice(-2)) {
      if (verdict.met !== null) Object.assign(verdict, { got: `${verdict.got}, machine not quiet`, met: null })
    }
  }
  const portkey = (/** @type {string} */ load) => {
    // Without the gateway the peers are compared with the bare pass-through, which has no merit to be credited with.
    if (rowOf(result.peers?.saturation, load, 'gateway') === undefined) return null
    const times = rowOf(result.peers?.saturation, load, 'portkey')?.ratio?.median
    return times == null || times === 0 ? null : Math.round(10 / times) / 10
  }
  atLeast('1 KB: times Portkey', 10, portkey('1k'))
  atLeast('200 KB: times Portkey', 15, portkey('200k'))
  atLeast('two workers over one', 1.8, result.workers?.judged)
  const thousand = result.paced?.find((/** @type {any} */ entry) => entry.concurrent === 1000)
  atMost(
    '1,000 paced streams: frames lost',
    0,
    thousand?.rows.find((/** @type {any} */ row) => row.target === 'gateway')?.framesLost,
    '',
  )
  list.push(flatMemory(result.memory))
  return list
}

/** @param {any[] | undefined} tables @param {string} load @param {string} target @returns {any} */
const rowOf = (tables, load, target) =>
  tables?.find((table) => table.load === load)?.rows.find((/** @type {any} */ row) => row.target === target)

/**
 * Flat: the last quarter stays within 5 % and 8 MiB of the second, in the processes of ours. A leak of 100 bytes a
 * request would be 10 MiB in half of 200,000.
 * @param {any} memory @returns {Verdict}
 */
function flatMemory(memory) {
  const target = 'memory over 200,000 requests (worker and office)'
  const wanted = 'flat'
  if (memory === undefined || memory.requests < 200_000) return { target, wanted, got: 'not measured', met: null }
  const ours = memory.parts.filter((/** @type {any} */ part) => part.part !== 'postgres')
  const got = ours
    .map((/** @type {any} */ part) => `${part.part} ${part.quartersMiB[1]} → ${part.quartersMiB[3]} MiB`)
    .join(', ')
  const met = ours.every((/** @type {any} */ part) => part.quartersMiB[3] <= part.quartersMiB[1] * 1.05 + 8)
  return { target, wanted, got, met }
}
