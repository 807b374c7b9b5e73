/**
 * The columns of an export and of what `signalbox import csv` reads: those of the ledger, under the same names, in an order
 * for people. docs/import-export.md is made from this list; tests hold it to the ledger's own columns.
 */
export type ExportType =
  /** Text as it is. */
  | 'text'
  /** A UUID, version 7. */
  | 'uuid'
  /** UTC, with milliseconds. */
  | 'time'
  /** A whole number below 2^53. */
  | 'integer'
  /** A floating-point number. */
  | 'number'
  /** A number with up to nine decimals, exact. */
  | 'decimal'
  | 'boolean'
  /** Words; with blanks between them where a format has no lists. */
  | 'words'

export interface ExportColumn {
  readonly name: string
  readonly type: ExportType
  /** Whether it may be empty. */
  readonly nullable: boolean
  readonly description: string
}

const column = (type: ExportType, nullable: boolean) => (name: string, description: string) => ({
  name,
  type,
  nullable,
  description,
})
const text = column('text', false)
const optionalText = column('text', true)
const integer = column('integer', false)
const optionalInteger = column('integer', true)
const optionalNumber = column('number', true)
const boolean = column('boolean', false)

/** In the order in which they stand in every format. */
export const exportColumns: readonly ExportColumn[] = [
  column('uuid', false)('id', 'The id of the call; also sent to the caller as `x-signalbox-request-id`.'),
  column('time', false)('created_at', 'When the call began.'),
  text('source', '`wire`: measured by this gateway. `import`: told by the records of another program.'),
  text('domain', 'The domain that the call belongs to.'),
  optionalText('account_id', 'Name of the upstream credential that paid.'),
  optionalText('key_id', 'Id of the client key; never the key.'),
  optionalText('provider', 'The provider that was asked.'),
  optionalText('model', 'The model that answered.'),
  optionalText('requested_model', 'The model that was asked for.'),
  text('endpoint', '`messages`, `count_tokens`, `models` or `passthrough`.'),
  text('method', 'The HTTP method.'),
  text('path', 'The path without its query.'),
  boolean('streaming', 'Whether the answer was streamed.'),
  integer('status_code', 'The outcome as an HTTP status; 499 where the caller left.'),
  optionalInteger('upstream_status', 'Status of the last answer of the provider.'),
  text(
    'outcome',
    '`ok`, `caller_error`, `policy_refused`, `provider_error`, `gateway_error`, `cancelled` or `interrupted`.',
  ),
  optionalText('error_type', 'The type of the error; see errors.md.'),
  optionalText('error_message', 'What was wrong, in at most 200 characters; no prompt text.'),
  boolean('failed_after_first_byte', 'Whether the caller had part of the answer when it failed.'),
  optionalText('stop_reason', 'Why the answer ended, as the provider said.'),
  integer('attempts', 'How often a provider was asked.'),
  optionalNumber('response_time_ms', 'Milliseconds of the whole call as its caller saw it.'),
  optionalNumber('ttft_ms', 'Milliseconds to the first token.'),
  optionalNumber('upstream_ms', 'Milliseconds spent waiting for providers.'),
  optionalNumber('overhead_ms', 'Milliseconds that this gateway added.'),
  integer('request_bytes', 'Size of the request body.'),
  integer('response_bytes', 'Size of the answer.'),
  integer('input_tokens', 'Prompt tokens neither read from nor written to a cache.'),
  integer('output_tokens', 'Everything generated, reasoning included.'),
  integer('cache_read_tokens', 'Prompt tokens read from a cache.'),
  integer('cache_write_5m_tokens', 'Prompt tokens written to a cache for five minutes.'),
  integer('cache_write_1h_tokens', 'Prompt tokens written to a cache for an hour.'),
  optionalInteger('reasoning_tokens', 'A part of `output_tokens`; empty where the provider does not tell.'),
  optionalInteger('web_search_requests', 'Web searches that the provider made and bills.'),
  optionalInteger('web_fetch_requests', 'Web pages that the provider read.'),
  column('decimal', false)('cost_usd', 'List price in US dollars as of the day of the call, exact to nine decimals.'),
  text(
    'price_source',
    '`genai-prices`, `override`, `default` (no price known), `free` or `none` (nothing to pay for).',
  ),
  text('usage_source', '`reported`, `partial` (the stream was cut), `estimated` or `none`.'),
  column('words', true)('usage_flags', 'Reasons why the counts deserve a second look.'),
  optionalText('service_tier', 'As the provider said.'),
  optionalText('speed', 'As the provider said.'),
  optionalText('inference_geo', 'As the provider said.'),
  optionalText('session_id', 'The conversation, as the client names it.'),
  optionalText('agent_id', 'The sub-agent, as the client names it.'),
  optionalText('parent_agent_id', 'The agent that started the sub-agent.'),
  optionalText('upstream_request_id', 'The id that the provider gave the call.'),
  optionalText(
    'route',
    'The rule that chose the target; empty where nothing but the default was asked. See routing.md.',
  ),
  optionalText('route_target', 'The target that answered, `provider/model`; `*` is the model that was asked for.'),
  column('words', true)('targets_tried', 'Targets that did not answer or were passed over, and why, in order.'),
  optionalText('moved_from', 'The target of the session’s call before, where this one went elsewhere.'),
  column('words', true)('translation_notes', 'What a translation converted, dropped or clamped.'),
]

/** A value of a row: null where the ledger has none. `time` is a Date, `decimal` its digits as text, `words` a list. */
export type ExportValue = string | number | boolean | Date | readonly string[] | null

/** A row by column name. */
export type ExportRow = Readonly<Record<string, ExportValue>>
