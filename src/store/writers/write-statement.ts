import type { ExchangeSource } from '../../core/exchange.ts'
import { tiers } from '../rollup-tiers.ts'
import { exchangeColumns } from './exchange-columns.ts'

/** What `LISTEN` hears after each batch that brought something new; the payload is the number of new rows. */
export const exchangesChannel = 'signalbox_exchanges'

const keys = [
  'domain',
  'account_id',
  'key_id',
  'provider',
  'model',
  'endpoint',
  'status_code',
  'outcome',
  'error_type',
  'source',
]
const sums = [
  'requests',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
  'cost_usd',
]
const latencyKeys = ['domain', 'provider', 'model']
const histograms = ['response_time', 'ttft']

const names = exchangeColumns.map((column) => column.name).join(', ')

/** From the rows of `inserted` to every rollup: each tier's sums and histograms are made once and added to what is held. */
const rollupParts = `keyed AS (
  SELECT date_trunc('minute', created_at, 'UTC') AS bucket, domain, coalesce(account_id, '') AS account_id,
    coalesce(key_id, '') AS key_id, coalesce(provider, '') AS provider,
    -- A refused caller may name any model at all; only a model that a provider was asked for becomes a key.
    left(coalesce(model, CASE WHEN outcome NOT IN ('caller_error', 'policy_refused') THEN requested_model END, ''), 100)
      AS model,
    endpoint, status_code, outcome, coalesce(error_type, '') AS error_type, source, 1 AS requests, input_tokens,
    output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, coalesce(reasoning_tokens, 0) AS reasoning_tokens,
    cost_usd, response_time_ms, ttft_ms
  FROM inserted
),
timed AS (
  SELECT bucket, domain, provider, model, latency_histogram(response_time_ms) AS response_time,
    CASE WHEN ttft_ms IS NULL THEN 0 ELSE latency_histogram(ttft_ms) END AS ttft
  FROM keyed WHERE source = 'wire'
),
${tiers.map(({ name }, index) => tierOf(name, tiers[index - 1]?.name)).join(',\n')}`

/**
 * Adds rows of the ledger that no rollup counts yet (`rows` is SQL that selects them) to all rollups: a repair, or rows
 * that came in without the writer.
 */
export const rollupStatement = (rows: string): string =>
  `WITH inserted AS (${rows}), ${rollupParts} SELECT count(*) AS rows FROM inserted`

/**
 * The one statement that records a batch: ledger rows, then the sums and latency slots of those rows that were really
 * new, so that rollups equal the ledger also when a batch is replayed. One statement is one transaction and one round trip.
 *
 * Every insert goes in the order of its key, and the tables come in the same order always: recorders that meet on the
 * same rows wait for each other, never in a circle.
 *
 * Parameters: one array per column of `exchangeColumns`, then the rate-limit samples as JSON. The source is no parameter:
 * who writes decides it, not the record.
 */
const writeStatement = (source: ExchangeSource): string => `
WITH batch AS (
  SELECT * FROM unnest(${exchangeColumns.map((column, index) => `$${index + 1}::${column.type}[]`).join(', ')})
    AS batch(${names})
),
inserted AS (
  INSERT INTO api_requests (${names}, source)
  SELECT ${exchangeColumns.map((column) => column.expression).join(', ')}, '${source}' FROM batch ORDER BY created_at, id
  ON CONFLICT (created_at, id) DO NOTHING
  RETURNING created_at, domain, account_id, key_id, provider, model, requested_model, endpoint, status_code, outcome,
    error_type, source, response_time_ms, ttft_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
    cache_write_1h_tokens, reasoning_tokens, cost_usd
),
${rollupParts},
sampled AS (
  INSERT INTO rate_limit_samples AS held (account_id, slot_start, observed_at, exchange_id, headers)
  -- One a key: names that differ only behind what is kept of them would meet here, and the statement would fail for ever.
  SELECT DISTINCT ON (account, slot) account, to_timestamp(slot / 1000.0), to_timestamp(observed / 1000.0), exchange, headers
  FROM json_to_recordset($${exchangeColumns.length + 1}::json)
    AS sample(account text, slot float8, observed float8, exchange uuid, headers jsonb)
  ORDER BY account, slot, observed DESC
  ON CONFLICT (account_id, slot_start) DO UPDATE
    SET observed_at = excluded.observed_at, exchange_id = excluded.exchange_id, headers = excluded.headers
    WHERE excluded.observed_at > held.observed_at
)
-- The journal lets go of what is acknowledged here, so a database that is set to acknowledge before its disk has the
-- row is asked, for this transaction, not to.
SELECT inserted, CASE WHEN inserted > 0 THEN pg_notify('${exchangesChannel}', inserted::text) END,
  CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
FROM (SELECT count(*) AS inserted FROM inserted) AS counted
`

/** By source; the name goes to logs and metrics, and is what the connection keeps the plan under. */
export const writeStatements: Readonly<Record<ExchangeSource, { readonly name: string; readonly text: string }>> = {
  wire: { name: 'write-exchanges', text: writeStatement('wire') },
  import: { name: 'write-imported', text: writeStatement('import') },
}

/** A coarser tier is summed from the groups of the finer one, not from the rows again. */
function tierOf(name: string, finer: string | undefined): string {
  const bucket = finer === undefined ? 'bucket' : `date_trunc('${name}', bucket, 'UTC')`
  const sumSource = finer === undefined ? 'keyed' : `${finer}_sums`
  const timedSource = finer === undefined ? 'timed' : `${finer}_histograms`
  return `${name}_sums AS (${grouped(sumSource, bucket, keys, sums)}),
${name}_rollup AS (${added(`rollup_${name}`, `${name}_sums`, keys, sums)}),
${name}_histograms AS (${grouped(timedSource, bucket, latencyKeys, histograms)}),
${name}_latency AS (${added(`latency_${name}`, `${name}_histograms`, latencyKeys, histograms)})`
}

function grouped(from: string, bucket: string, by: readonly string[], summed: readonly string[]): string {
  const sumList = summed.map((column) => `sum(${column}) AS ${column}`).join(', ')
  return `SELECT ${bucket} AS bucket, ${by.join(', ')}, ${sumList} FROM ${from} GROUP BY ${bucket}, ${by.join(', ')}`
}

function added(table: string, from: string, by: readonly string[], summed: readonly string[]): string {
  const key = ['bucket', ...by].join(', ')
  const columns = `${key}, ${summed.join(', ')}`
  const additions = summed.map((column) => `${column} = held.${column} + excluded.${column}`).join(', ')
  return `INSERT INTO ${table} AS held (${columns}) SELECT ${columns} FROM ${from} ORDER BY ${key}
  ON CONFLICT (${key}) DO UPDATE SET ${additions}`
}
