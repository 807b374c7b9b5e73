// @ts-check
/**
 * Results as Markdown. `node bench/render.mjs` writes bench/results/README.md from the JSON files there;
 * `node bench/render.mjs --into README.md` also puts the newest table between the marks `<!-- bench:begin -->` and
 * `<!-- bench:end -->` of that file.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** @type {Record<string, string>} */
const loadNames = { '1k': '1 KB', '200k': '200 KB', '1m': '1 MB', stream: 'whole streams (105 events)' }

/** @param {unknown} value @param {number} [digits] */
const number = (value, digits = 0) =>
  typeof value === 'number' && Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: 0 })
    : '–'
/** @param {unknown} us @returns {string} milliseconds */
const ms = (us) => (typeof us === 'number' && Number.isFinite(us) ? (us / 1000).toFixed(2) : '–')
/** @param {unknown} value */
const ratio = (value) => (typeof value === 'number' && Number.isFinite(value) ? value.toFixed(2) : '–')

/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** @param {any} result */
export function verdictTable(result) {
  const mark = (/** @type {boolean | null} */ met) => (met === null ? '–' : met ? 'met' : '**not met**')
  return table(
    ['target', 'wanted', 'measured', '', 'over the strongest bare'],
    result.verdicts.map((/** @type {any} */ v) => [v.target, v.wanted, v.got, mark(v.met), v.strict ?? '']),
  )
}

/** @param {any[]} tables @param {any[]} directs */
function saturationTable(tables, directs) {
  const rows = tables.flatMap((entry) =>
    entry.rows.map((/** @type {any} */ row) => [
      loadNames[entry.load] ?? entry.load,
      row.target,
      ratio(row.ratio.median),
      `${ratio(row.ratio.low)}–${ratio(row.ratio.high)}`,
      number(row.perSecond),
      number(row.cpuUsPerRequest.worker),
      row.cpuUsPerRequest.office === undefined ? '' : number(row.cpuUsPerRequest.office),
      row.cpuUsPerRequest.postgres === undefined ? '' : number(row.cpuUsPerRequest.postgres),
      ratio(row.coreShare.worker),
      ratio((row.coreShare.load ?? 0) + (row.coreShare.upstream ?? 0)),
    ]),
  )
  const straight = directs.map((entry) => {
    const [row] = entry.rows
    const tools = ratio((row.coreShare.load ?? 0) + (row.coreShare.upstream ?? 0))
    return [loadNames[entry.load] ?? entry.load, 'direct', '', '', number(row.perSecond), '', '', '', '', tools]
  })
  const head = [
    'body',
    'target',
    'ratio',
    'rounds',
    'requests/s',
    'worker µs',
    'office µs',
    'database µs',
    'worker core',
    'load + upstream cores',
  ]
  return table(head, [...rows, ...straight])
}

/** @param {any[]} tables */
const latencyTable = (tables) =>
  table(
    ['body', 'rate', 'target', 'p50 ms', 'p99 ms', 'over direct p50 / p99', 'over bare p50 / p99'],
    tables.flatMap((entry) =>
      entry.rows.map((/** @type {any} */ row) => [
        loadNames[entry.load] ?? entry.load,
        `${entry.rate}/s`,
        row.target,
        ms(row.p50Us),
        ms(row.p99Us),
        `${ms(row.addedOverDirectUs.p50)} / ${ms(row.addedOverDirectUs.p99)}`,
        `${ms(row.addedOverBareUs.p50)} / ${ms(row.addedOverBareUs.p99)}`,
      ]),
    ),
  )

/** @param {any[]} tables */
const pacedTable = (tables) =>
  table(
    [
      'streams',
      'target',
      'frames lost',
      'of',
      'added first byte p50 / p99 ms',
      'event delay p50 / p99 ms',
      'worker core',
      'worker MiB before / peak',
    ],
    tables.flatMap((entry) =>
      entry.rows.map((/** @type {any} */ row) => [
        number(entry.concurrent),
        row.target,
        number(row.framesLost),
        number(row.framesExpected),
        row.target === 'direct' ? '' : `${ms(row.addedFirstByteUs.p50)} / ${ms(row.addedFirstByteUs.p99)}`,
        `${ms(row.eventDelayUs?.p50)} / ${ms(row.eventDelayUs?.p99)}`,
        ratio(row.coreShare.worker),
        row.memoryMiB.worker
          ? `${number(row.memoryMiB.worker.beforeMiB)} / ${number(row.memoryMiB.worker.peakMiB)}`
          : '',
      ]),
    ),
  )

/** @param {any} result */
function about(result) {
  const { machine, settings } = result
  const { layout } = settings
  const place = layout.pinned
    ? `Worker on core ${layout.worker}, office and database on core ${layout.office}, load on core ${layout.load}, upstream on core ${layout.upstream}; ` +
      `load and upstream run with ${settings.loadPriority} priority, so the office takes what they leave and catches up afterwards.`
    : 'Processes placed by the kernel.'
  return (
    `${result.date.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}. ` +
    `${settings.rounds} interleaved rounds of ${settings.seconds} s; ratios are the median of the pairs. ${place}`
  )
}

/** One result as Markdown. @param {any} result */
export function markdown(result) {
  const parts = [about(result)]
  if (result.verdicts.length > 0) parts.push(verdictTable(result))
  if (result.saturation.length > 0) {
    parts.push('**Saturation** (µs are CPU time of a request)', saturationTable(result.saturation, result.direct))
  }
  if (result.oneCore !== undefined) {
    parts.push(
      '**The whole product, database included, on the one core of the bare pass-through**',
      saturationTable([result.oneCore], []),
    )
  }
  if (result.latency.length > 0) parts.push('**Added latency, open loop**', latencyTable(result.latency))
  if (result.paced.length > 0)
    parts.push(`**Paced streams** (one event each ${result.paced[0].paceMs} ms)`, pacedTable(result.paced))
  if (result.memory !== undefined) {
    const { parts: memoryParts, requests } = result.memory
    const rows = memoryParts.map((/** @type {any} */ part) => [
      part.part,
      number(part.beforeMiB, 1),
      ...part.quartersMiB.map((/** @type {number} */ mib) => number(mib, 1)),
      number(part.peakMiB, 1),
      number(part.growthMiBPer100k, 2),
    ])
    const head = ['process', 'before', 'quarter 1', '2', '3', '4', 'peak', 'growth per 100,000 requests']
    parts.push(`**Memory over ${number(requests)} requests**, MiB (medians of the quarters)`, table(head, rows))
    parts.push(
      `The recorder had everything in the ledger ${number(result.memory.settledSeconds, 1)} s after the last request.`,
    )
  }
  if (result.workers !== undefined) {
    const { one, two, ratio: times, efficiency, method } = result.workers
    const line = `Two workers: ${number(two.perSecond)}/s against ${number(one.perSecond)}/s of one, ${ratio(times.median)} times (${method}; worker cores ${ratio(two.workerCore)} against ${ratio(one.workerCore)}; work for the same CPU time: ${ratio(efficiency.median)}).`
    parts.push('**Workers**', line)
  }
  if (result.peers !== undefined) {
    parts.push(
      `**Peers** (ratio: to ${result.peers.saturation[0].rows[0].target})`,
      saturationTable(result.peers.saturation, []),
    )
    parts.push(latencyTable(result.peers.latency), pacedTable(result.peers.paced))
    if (result.peers.findings.length > 0)
      parts.push(result.peers.findings.map((/** @type {string} */ f) => `- ${f}`).join('\n'))
  }
  if (result.notes.length > 0)
    parts.push(`Notes:\n\n${result.notes.map((/** @type {string} */ note) => `- ${note}`).join('\n')}`)
  return parts.join('\n\n')
}

/** @param {string} folder @returns {any[]} newest first */
const resultsIn = (folder) =>
  readdirSync(folder)
    // The ledger's bench has its results here too, and its own report.
    .filter((name) => name.endsWith('.json') && !name.startsWith('ledger'))
    .map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name), 'utf8')) }))
    .sort((a, b) => b.date.localeCompare(a.date))

/** @param {string} folder */
export function renderFolder(folder) {
  const sections = resultsIn(folder).map(
    (result) => `## ${result.slug}\n\n${markdown(result)}\n\nRaw figures: [${result.name}](${result.name})`,
  )
  const intro =
    'Made by `npm run bench` (see [the bench](../README.md)). Read the ratios: absolute figures tell about the machine and its day.'
  writeFileSync(join(folder, 'README.md'), `# Results\n\n${intro}\n\n${sections.join('\n\n')}\n`)
}

/** @param {string} folder @param {string} file */
function renderInto(folder, file) {
  const [newest] = resultsIn(folder)
  if (newest === undefined) throw new Error('there is no result yet: run `npm run bench` first')
  const text = readFileSync(file, 'utf8')
  const marked = /(<!-- bench:begin -->)[\s\S]*(<!-- bench:end -->)/
  if (!marked.test(text)) throw new Error(`${file} has no marks <!-- bench:begin --> and <!-- bench:end -->`)
  const body = `${about(newest)}\n\n${verdictTable(newest)}`
  writeFileSync(
    file,
    text.replace(marked, (_, begin, end) => `${begin}\n${body}\n${end}`),
  )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { into: { type: 'string' } } })
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'results')
  renderFolder(folder)
  if (values.into !== undefined) renderInto(folder, values.into)
}
