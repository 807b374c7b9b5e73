import type { LogRecord, LogValue } from './log-line.ts'

const omitted = new Set([
  '@timestamp',
  'timestamp',
  'level',
  'severity',
  'message',
  'action',
  'event',
  'duration_ms',
  'status_code',
])
const color: Readonly<Record<string, string>> = {
  debug: '\u001b[2m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
}
const plain = '\u001b[0m'

/** A line for a person at a terminal: local time, level, message, then `name=value`. */
export function prettyLine(record: LogRecord): string {
  const time = record['@timestamp'].slice('YYYY-MM-DDT'.length, 'YYYY-MM-DDTHH:MM:SS'.length)
  const fields = Object.entries(record)
    .filter(([name]) => !omitted.has(name))
    .map(([name, value]) => `${name}=${shown(value)}`)
  const level = `${color[record.level]}${record.level.toUpperCase().padEnd(5)}${plain}`
  return `${time} ${level} ${[shown(record.message, /^[\x20-\x7e]*$/), ...fields].join(' ')}\n`
}

/** Values may come from callers; quoted and escaped they can not drive the terminal. */
function shown(value: LogValue, harmless: RegExp = /^[\w./:@+-]+$/): string {
  if (typeof value === 'object') return String(value.total ?? 0)
  const text = String(value)
  if (harmless.test(text)) return text
  return JSON.stringify(text).replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
}
