import type { MetricRow } from './catalogue/row.ts'
import { metricGroups } from './metric-catalogue.ts'

/** docs/metrics.md, made from the catalogue. A test holds the page equal to it. */
export function renderMetricsDoc(): string {
  const groups = Object.entries(metricGroups).map(([title, rows]) => `## ${title}\n\n${table(rows)}\n`)
  return `${intro}\n${groups.join('\n')}`
}

const intro = `# Metrics

Generated from \`src/telemetry/metric-catalogue.ts\`; \`npx vitest run src/telemetry/metrics-doc.test.ts -u\` writes it anew.

\`GET /metrics\` serves them in the Prometheus text format, and so does \`GET /health\` when the \`Accept\` header names
\`openmetrics-text\` or \`text/plain;version=0.0.4\`. Units are seconds, bytes, ratios of 0 to 1 and US dollars;
\`claude_proxy_response_time\` alone is in milliseconds. Counters end in \`_total\`.

A label value is from a closed set, or from a capped one: past its cap it is \`other\`, and
\`signalbox_label_overflow_total\` counts. Models sent by callers are labels only if they are priced or configured. A
process holds at most 5,000 series. Users, keys, sessions, request ids, paths and texts are never labels.

With several gateway workers the values are merged over processes; "merged" names how (counters and histograms are sums).
The redacted form of \`/health\` sums over the labels marked *private*.
`

function table(rows: Readonly<Record<string, MetricRow>>): string {
  const lines = Object.entries(rows).map(
    ([name, row]) => `| \`${name}\` | ${row.kind}, ${row.unit} | ${labels(row)} | ${meaning(row)} | ${row.source} |`,
  )
  return ['| metric | kind, unit | labels | meaning | fed from |', '|---|---|---|---|---|', ...lines].join('\n')
}

function labels(row: MetricRow): string {
  const shown = Object.entries(row.labels).map(([name, values]) => {
    const hidden = row.private?.includes(name) ? ', *private*' : ''
    if (typeof values === 'string') return `\`${name}\` (capped${hidden})`
    return values.length > longestList
      ? `\`${name}\` (${values.length} values${hidden})`
      : `\`${name}\` = ${values.join(', ')}`
  })
  return shown.length === 0 ? 'none' : shown.join('; ')
}

const longestList = 8

function meaning(row: MetricRow): string {
  const buckets = row.buckets === undefined ? '' : ` Buckets: ${row.buckets.join(' ')}.`
  const merged = row.merge === undefined || row.merge === 'sum' ? '' : ` Merged: ${row.merge}.`
  return `${row.help}${buckets}${merged}`
}
