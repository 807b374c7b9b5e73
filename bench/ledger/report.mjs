// @ts-check
/**
 * The ledger's results as Markdown. `node bench/ledger/report.mjs` writes bench/results/ledger*.md from the JSON files
 * there; with `--into README.md` it also puts the three lines between the marks `<!-- ledger-bench:begin/end -->`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

export const goals = { perSecond: 10_000, queryMs: 300, bytesPerExchange: 1_024 }

/** @param {unknown} value @param {number} [digits] */
const number = (value, digits = 0) =>
  typeof value === 'number' && Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: digits })
    : '–'
/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
/** @param {boolean} met */
const mark = (met) => (met ? 'met' : '**not met**')

/** What was wanted and what came out, a row a goal and store. @param {any} result */
export function verdicts(result) {
  return result.stores.flatMap((/** @type {any} */ store) => {
    const name = `${store.kind} (PostgreSQL ${store.version})`
    const recorder = store.inserts.find((/** @type {any} */ run) => run.mode === 'recorder')
    const warm = worst(store, 'warmP95Ms')
    const cold = worst(store, 'coldWorstMs')
    return [
      {
        store: name,
        goal: 'recorder, exchanges a second',
        wanted: `≥ ${number(goals.perSecond)}`,
        got: number(recorder.perSecond),
        met: recorder.perSecond >= goals.perSecond,
      },
      {
        store: name,
        goal: 'slowest question, warm p95',
        wanted: `< ${goals.queryMs} ms`,
        got: `${number(warm.ms)} ms (${warm.name})`,
        met: warm.ms < goals.queryMs,
      },
      ...(cold.ms === null
        ? []
        : [
            {
              store: name,
              goal: 'slowest question, cold',
              wanted: `< ${goals.queryMs} ms`,
              got: `${number(cold.ms)} ms (${cold.name})`,
              met: cold.ms < goals.queryMs,
            },
          ]),
      {
        store: name,
        goal: 'row with its indexes',
        wanted: `≤ ${number(goals.bytesPerExchange)} bytes`,
        got: number(store.sizes.perExchange.row),
        met: store.sizes.perExchange.row <= goals.bytesPerExchange,
      },
    ]
  })
}

/** @param {any} store @param {'warmP95Ms' | 'coldWorstMs'} figure @returns {{ ms: any, name: string }} */
function worst(store, figure) {
  const [slowest] = [...store.queries].sort((a, b) => (b[figure] ?? -1) - (a[figure] ?? -1))
  return { ms: slowest?.[figure] ?? null, name: `${slowest?.query}, ${slowest?.variant}, ${slowest?.range}` }
}

/** @param {any} result */
function about({ date, machine, settings, tookSeconds, busyCores }) {
  return (
    `${date.slice(0, 10)}: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, ${machine.kernel}, Node ${machine.node}. ` +
    `${number(settings.rows)} exchanges over ${settings.days} days, then ${number(settings.insertRows)} more by each way of writing; ` +
    `${settings.warmSamples} warm and ${settings.coldSamples} cold calls of each question; ${number(tookSeconds / 60)} minutes, ${busyCores} cores busy on the average, load average ${machine.loadAverage[0]} at the start${wasBusy({ machine }) ? ': other work ran beside it, so believe the CPU times and no rate' : ''}.`
  )
}

/** One result as Markdown. @param {any} result */
export function markdown(result) {
  const parts = [about(result)]
  parts.push(
    table(
      ['store', 'goal', 'wanted', 'measured', ''],
      verdicts(result).map((/** @type {any} */ one) => [one.store, one.goal, one.wanted, one.got, mark(one.met)]),
    ),
  )
  parts.push(
    '**Recording** (µs are CPU time of an exchange; `recorder` reads it from the journal and prices it, `writer` begins with the record in memory)',
    table(
      [
        'store',
        'path',
        'exchanges/s',
        'process µs',
        'database µs',
        'log bytes',
        'MiB before / peak',
        'growth MiB per 100,000',
      ],
      result.stores.flatMap((/** @type {any} */ store) =>
        store.inserts.map((/** @type {any} */ run) => [
          store.kind,
          run.mode,
          number(run.perSecond),
          number(run.cpuUsPerExchange.process, 1),
          number(run.cpuUsPerExchange.postgres, 1),
          number(run.walBytesPerExchange),
          `${number(run.memory.beforeMiB)} / ${number(run.memory.peakMiB)}`,
          number(run.memory.growthMiBPer100k, 1),
        ]),
      ),
    ),
  )
  for (const store of result.stores) {
    parts.push(
      `**Questions, ${store.kind}**, ms (${number(store.rows)} exchanges; cold: server restarted${store.filesDropped ? ' and the cache of files emptied' : ''}, connection included)`,
      table(
        ['query', 'variant', 'range', 'warm p50', 'warm p95', 'cold p50', 'cold worst'],
        store.queries.map((/** @type {any} */ row) => [
          row.query,
          row.variant,
          row.range,
          number(row.warmP50Ms, 1),
          bold(row.warmP95Ms),
          number(row.coldP50Ms, 1),
          bold(row.coldWorstMs),
        ]),
      ),
    )
  }
  parts.push('**Bytes of an exchange**')
  for (const store of result.stores) {
    parts.push(
      table(
        [`${store.kind}`, 'rows', 'table', 'indexes'],
        store.sizes.byFamily.map((/** @type {any} */ one) => [
          one.family,
          number(one.rows),
          number(one.table, 1),
          number(one.indexes, 1),
        ]),
      ),
    )
  }
  if (result.notes.length > 0) parts.push(result.notes.map((/** @type {string} */ note) => `- ${note}`).join('\n'))
  return parts.join('\n\n')
}

/** @param {number | null} ms */
const bold = (ms) => (typeof ms === 'number' && ms >= goals.queryMs ? `**${number(ms, 1)}**` : number(ms, 1))

/** @param {string} folder */
export const ledgerResults = (folder) =>
  readdirSync(folder)
    .filter((name) => /^ledger.*\.json$/.test(name))
    .map((name) => ({ name, ...JSON.parse(readFileSync(path.join(folder, name), 'utf8')) }))
    .sort((a, b) => b.date.localeCompare(a.date))

/** Writes a Markdown file beside each result. @param {string} folder */
export function renderLedger(folder) {
  for (const result of ledgerResults(folder)) {
    const text = `# ${result.slug}\n\nMade by \`npm run bench:ledger\` (see [the ledger's bench](../ledger/README.md)).\n\n${markdown(result)}\n\nRaw figures: [${result.name}](${result.name})\n`
    writeFileSync(path.join(folder, result.name.replace(/\.json$/, '.md')), text)
  }
}

/** The three lines of the README. @param {any} result */
export function readmeLines(result) {
  const lines = result.stores.map((/** @type {any} */ store) => {
    const recorder = store.inserts.find((/** @type {any} */ run) => run.mode === 'recorder')
    return `${store.kind} ${number(recorder.perSecond)} a second (${number(recorder.cpuUsPerExchange.process)} + ${number(recorder.cpuUsPerExchange.postgres)} µs of CPU)`
  })
  const [first] = result.stores
  const slowest = result.stores
    .map((/** @type {any} */ store) => {
      const cold = worst(store, 'coldWorstMs').ms
      return `${store.kind} ${number(worst(store, 'warmP95Ms').ms)} ms warm${cold === null ? '' : `, ${number(cold)} ms cold`}`
    })
    .join('; ')
  const missed = verdicts(result).filter((/** @type {any} */ one) => !one.met)
  const goalsMet =
    missed.length === 0
      ? 'Every goal is met'
      : `Not met: ${missed.map((/** @type {any} */ one) => `${one.goal} (${one.store.split(' ')[0]})`).join('; ')}`
  return [
    `With ${number(first.rows)} exchanges of ${result.settings.days} days in it, the ledger records, journal to durable row and rollups: ${lines.join(', ')}.`,
    `The slowest question of the API, over any range up to ${result.settings.days} days: ${slowest}. A row takes ${number(first.sizes.perExchange.row)} bytes with its indexes, its rollups ${number(first.sizes.perExchange.rollups)}.`,
    `${goalsMet} (${number(goals.perSecond)} a second, ${goals.queryMs} ms, ${number(goals.bytesPerExchange)} bytes; ${result.machine.cores} cores${wasBusy(result) ? ', busy with other work as well' : ''}). [All figures](bench/results/${result.name.replace(/\.json$/, '.md')}).`,
  ].join('\n')
}

/** Whether something else wanted the cores when the run began. @param {any} result */
const wasBusy = ({ machine }) => machine.loadAverage[0] > machine.cores / 2

const marked = /(<!-- ledger-bench:begin -->\n)[\s\S]*?(\n<!-- ledger-bench:end -->)/

/** The text between the marks; null where there are none. @param {string} text */
export const linesIn = (text) => {
  const found = marked.exec(text)
  return found === null
    ? null
    : text.slice(found.index + (found[1] ?? '').length, found.index + found[0].length - (found[2] ?? '').length)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { into: { type: 'string' } } })
  const folder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'results')
  renderLedger(folder)
  if (values.into !== undefined) {
    const [newest] = ledgerResults(folder)
    if (newest === undefined) throw new Error('there is no result yet: run `npm run bench:ledger` first')
    const text = readFileSync(values.into, 'utf8')
    if (!marked.test(text))
      throw new Error(`${values.into} has no marks <!-- ledger-bench:begin --> and <!-- ledger-bench:end -->`)
    writeFileSync(
      values.into,
      text.replace(marked, (_, begin, end) => `${begin}${readmeLines(newest)}${end}`),
    )
  }
}
