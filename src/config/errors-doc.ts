import { type ErrorRow, errorTable, type Fault } from '../core/errors.ts'

/** The page docs/errors.md, made from the table of errors. */
export function renderErrorsDoc(): string {
  const rows = Object.entries<ErrorRow>(errorTable)
  const sections = faults.map(({ fault, title, text }) => {
    const lines = rows.filter(([, row]) => row.fault === fault).map(([type, row]) => rowLine(type, row))
    return `## ${title}\n\n${text}\n\n| error type | status | \`error.type\` | try again | logged as | meaning |\n|---|---|---|---|---|---|\n${lines.join('\n')}`
  })
  return `${[introduction, ...sections].join('\n\n')}\n`
}

const introduction = `# Errors

<!-- Made by \`npm run docs\` from src/core/errors.ts; a test holds it equal. -->

Every way a call can fail has one name. It is the \`error_type\` of the database row, the log line and the metrics, and its
first word says whose fault it is. An error of a provider that can be passed on reaches the caller byte for byte; where the
gateway has to answer itself, it does so in the shape of the Anthropic API, and the type below says what stands in it:

\`\`\`json
{"type":"error","error":{"type":"<error.type>","message":"…"},"request_id":"…"}
\`\`\`

The status is what is recorded. Once a stream has begun its status can not be taken back: then the failure is sent as an
\`error\` event where the protocol allows one, and the row carries the status that the outcome would have had.

**Try again**: *never* – the same call fails again; *elsewhere* – another provider or credential may do; *later* – the same
call may do in a while.`

const faults: readonly { fault: Fault; title: string; text: string }[] = [
  { fault: 'caller', title: 'The caller', text: 'The request, or how it was sent.' },
  {
    fault: 'policy',
    title: 'A policy of this gateway',
    text: 'The request was fine; a limit somebody set refused it.',
  },
  { fault: 'provider', title: 'The provider', text: 'The upstream failed, refused or went silent.' },
  { fault: 'gateway', title: 'The gateway', text: 'Signalbox itself.' },
]

const rowLine = (type: string, row: ErrorRow): string =>
  `| \`${type}\` | ${row.status} | \`${row.anthropicType}\` | ${row.retry} | ${row.logLevel} | ${row.meaning.replaceAll('|', '\\|')} |`
