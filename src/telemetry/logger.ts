import type { Clock } from '../core/clock.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import type { LocalTime } from './local-time.ts'
import { type LogLevel, type LogRecord, severityOf } from './log-line.ts'
import type { LogOutput } from './log-output.ts'

/** Field values longer than this are cut; log stores index no more than about 4,000 characters. */
const longestValue = 4000
/** Field names whose type is watched; later names pass unwatched. The code has fewer. */
const watchedFields = 500

/**
 * Names that would break a reader as a plain value: objects of the Elastic Common Schema, words that Logstash, Filebeat,
 * New Relic or Datadog set themselves, and the fields that only the lines of exchanges carry.
 */
const reservedFields = new Set([
  ...[
    'type',
    'host',
    'error',
    'service',
    'log',
    'user',
    'client',
    'server',
    'source',
    'process',
    'url',
    'file',
    'agent',
  ],
  ...[
    'container',
    'input',
    'stream',
    'accountId',
    'eventType',
    '@timestamp',
    'timestamp',
    'level',
    'severity',
    'message',
  ],
  ...['event', 'action', 'status', 'status_code', 'duration', 'duration_ms', 'tokens', '__proto__'],
])

/** The types of the fields of exchange lines; a line of another event must not use the name with another type. */
const knownTypes: Readonly<Record<string, string>> = {
  ...{ request_id: 'string', upstream_request_id: 'string', domain: 'string', method: 'string', path: 'string' },
  ...{ provider: 'string', model: 'string', streaming: 'boolean', outcome: 'string', error_type: 'string' },
  ...{ error_message: 'string', stop_reason: 'string', attempts: 'number', ttft_ms: 'number', overhead_ms: 'number' },
  ...{ cost_usd: 'number', usage_source: 'string', account: 'string', key_id: 'string', session_id: 'string' },
  ...{ agent_id: 'string' },
}

/** The project's logger: one compact JSON line a call, in the same schema as the lines of exchanges. */
export function createLogger(options: { clock: Clock; localTime: LocalTime; output: LogOutput }): Logger {
  const { clock, localTime, output } = options
  const types = new Map(Object.entries(knownTypes))
  const say = (level: LogLevel) => (event: string, message: string, fields?: LogFields) => {
    if (!output.isOn(level)) return
    const now = clock.now()
    const record: LogRecord = {
      '@timestamp': localTime(now),
      timestamp: now,
      level,
      severity: severityOf[level],
      event,
      message: cut(message),
      ...(fields !== undefined && safeFields(fields, types)),
    }
    output.write(record)
  }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}

/** Flat values under names that no reader trips over: a reserved name gets the prefix `field_`. */
function safeFields(fields: LogFields, types: Map<string, string>): Record<string, string | number | boolean> {
  const safe: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (!isFlat(value)) continue
    const allowed = reservedFields.has(name) ? `field_${name}` : name
    safe[ofOneType(allowed, typeof value, types)] = typeof value === 'string' ? cut(value) : value
  }
  return safe
}

/** Callers are typed, but what they pass on may not be: objects, null and numbers without a JSON form are left out. */
function isFlat(value: unknown): value is string | number | boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  )
}

/** A name keeps the type it was first seen with; a value of another type goes under a name of its own. */
function ofOneType(name: string, type: string, types: Map<string, string>): string {
  const known = types.get(name)
  if (known === undefined && types.size < watchedFields) types.set(name, type)
  return known === undefined || known === type ? name : `${name}_${type}`
}

function cut(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}
