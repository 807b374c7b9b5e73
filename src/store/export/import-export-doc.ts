import { type ExportColumn, exportColumns } from './columns.ts'

/** The page docs/import-export.md, made from the list of columns. */
export function renderImportExportDoc(): string {
  const rows = exportColumns.map(
    ({ name, type, nullable, description }) =>
      `| \`${name}\` | ${typeNames[type]} | ${nullable ? 'yes' : ''} | ${description} |`,
  )
  const table = ['| column | type | may be empty | meaning |', '|---|---|---|---|', ...rows].join('\n')
  return `${introduction}\n\n${table}\n\n${rest}\n`
}

const typeNames: Readonly<Record<ExportColumn['type'], string>> = {
  text: 'text',
  uuid: 'UUID',
  time: 'time',
  integer: 'whole number',
  number: 'number',
  decimal: 'decimal',
  boolean: '`true` or `false`',
  words: 'words',
}

const introduction = `# Import and export

<!-- Made by \`npm run docs\` from src/store/export/; a test holds it equal. -->

\`\`\`sh
signalbox import claude-code                       # ~/.claude, or CLAUDE_CONFIG_DIR
signalbox import claude-code DIR --domain me       # another directory, one domain for all
signalbox import csv history.csv                   # all rows or none
signalbox export --from 2026-11-01 -o november.csv # also json, jsonl, parquet
signalbox export --source all --format parquet -o everything.parquet
curl -OJ -H "X-Dashboard-Key: …" 'http://127.0.0.1:3001/api/export?format=jsonl&domain=web&from=2026-11-01'
\`\`\`

They work while Signalbox runs (through its database) and while it does not, on the embedded database and on a server. What takes
longer than two seconds shows how far it is; Ctrl-C ends it cleanly.

## Imported is not measured

Every row has a \`source\`: \`wire\` is what this gateway measured, \`import\` is what another program wrote down. Figures, charts, quotas,
\`/token-stats\` and metrics count **the wire alone**. The API answers about the other with \`source=import\` or \`source=all\` (statistics,
timeline, token usage, list of requests, export), and so does \`signalbox stats --source import\`. Nobody timed imported calls: they
are in no latency figure, and \`response_time_ms\` is empty. SQL of your own reads one relation, \`api_requests\`, with both in it: add
\`where source = 'wire'\`.

## Claude Code's transcripts

\`signalbox import claude-code\` reads \`projects/**/*.jsonl\`: ids, models, token counts, times. Nothing of what was written, answered or
read is kept, sent or shown.

- **Their counts are known to be off.** Transcripts are a client's notes: some versions write the placeholder that a stream begins with
  as the number of output tokens; factors of 3 to 17 too few have been reported. A message has several lines; of each count the largest is
  taken and none is added up. Every row carries the flag \`transcript\`; one whose end no line tells has \`usage_source\` \`partial\` and
  the flag \`output_placeholder\` as well. Calls that failed, title and summary calls, and token counting are not in transcripts.
- **Once each.** A message is known by its own id and the provider's request id, whatever file repeats it (resumed and forked
  conversations copy their past). The row's id is made of the time and those ids, so a second import finds everything there.
- **Never beside its own measurement.** A call that went through this gateway is in the ledger already, under the same request id, and
  is not imported. Transcripts without request ids (Bedrock, Vertex, old versions) can not be told apart so.
- **Interrupt it whenever you like**, and run it again: it goes on where it was, as what is there is not imported again.
- Retention applies to imported rows as to all others. Days whose rows have left the ledger are not imported again, as their sums are
  still there.
- The domain is the name of the project's directory. Sub-agents keep their ids. Cost is the list price of the day of the call; for a
  subscription it is what the same tokens would have cost, and no bill.
- Links are not followed. Torn lines, lines over 16 MiB, unreadable files and messages that are being written at this moment are passed
  over and counted in the report.

## CSV

\`signalbox import csv FILE\` reads UTF-8 with a first line of names from the table below, in any order. Only \`created_at\` is needed, as
ISO 8601 with a zone; what is left out is what a call that went well would have. Without \`cost_usd\` a row is priced as of its day.

- **All or nothing**: the whole file is checked first, and each mistake told with its line (the first 20). \`--skip-invalid\` leaves wrong
  rows out instead.
- \`--map OURS=THEIRS\` takes a column of another name, \`--ignore-unknown\` passes over columns that are none of ours, \`--domain\` is for
  rows that name no domain.
- A row is known by its \`id\`, where it has one, else by all that it says: a second import adds nothing. Two rows that are equal in
  every cell are one.
- Whatever the file says of \`source\`, the rows are \`import\`. An export of one ledger comes into another as it was, but for that.

## Export

Formats are \`csv\`, \`json\` (one array), \`jsonl\` (an object a line) and \`parquet\` (Snappy). Rows come oldest first. Filters are those of
the list of requests: \`--domain --account --key --provider --model --session --error-type --outcome --status\`, or \`accountId\`, \`keyId\`,
\`sessionId\`, \`errorType\` in the API. There is no limit to the number of rows, and memory does not grow with it: pages of 1,000 rows are
read as fast as they are taken, each a short statement on connections of their own (two, read-only), so that an export neither blocks
the recorder nor takes anything from the dashboard. The API gives four exports at a time. A connection that breaks means that the file
is not whole; \`--output\` writes a file whole or not at all.

- Money is exact: digits in CSV, text in JSON, \`DECIMAL(18, 9)\` in Parquet. Times are UTC with milliseconds, \`TIMESTAMP\` in Parquet.
- In CSV (RFC 4180, lines end in CR LF) an empty cell is no value and \`""\` an empty text. A text that a spreadsheet would run as a
  formula (it begins with \`=\`, \`+\`, \`-\`, \`@\`, tab or carriage return) has an apostrophe before it, which an import takes off again.
- It is no snapshot: a row that is written behind the place where the export is, because its call was long, is not in it. For a copy of
  everything as of one moment there is [backup](backup.md).

## Columns

Stable names, those of the relation \`api_requests\`.`

const rest = `*Words* are parted by blanks in CSV and Parquet, and a list in JSON.`
