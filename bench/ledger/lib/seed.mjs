// @ts-check
/**
 * Millions of exchanges that are there already, made by the server itself. Rollups are summed from the rows by the very
 * expressions of the ledger's writer, and compared with them at the end.
 */
import {
  accounts,
  countTokensShare,
  domains,
  exchangesPerSession,
  failures,
  keysPerDomain,
  models,
  scatter,
  streamingShare,
} from './traffic.mjs'

const dayMs = 86_400_000
/** Rows of one statement: enough to be quick, few enough to tell how far it is. */
const chunkRows = 250_000

/**
 * @param {import('pg').Pool} pool
 * @param {import('./product.mjs').Product} product
 * @param {{ rows: number, days: number, now: number, say: (what: string) => void }} options
 */
export async function seed(pool, product, { rows, days, now, say }) {
  const from = now - days * dayMs
  await product.ensurePartitionsOver(pool, { from, to: now })
  const began = Date.now()
  const chunks = Array.from({ length: Math.ceil(rows / chunkRows) }, (_, index) => index * chunkRows)
  let made = 0
  await inTurns(pool, chunks, async (client, start) => {
    const end = Math.min(rows, start + chunkRows) - 1
    await client.query(seedSql({ from, days, rows, start, end }))
    made += end - start + 1
    if (Math.floor(made / 2_000_000) > Math.floor((made - chunkRows) / 2_000_000))
      say(`${made.toLocaleString('en-US')} rows`)
  })
  const rowsMs = Date.now() - began
  say('rollups from the rows')
  const firstDay = Math.floor(from / dayMs) * dayMs
  const dayStarts = Array.from({ length: Math.ceil((now - firstDay) / dayMs) }, (_, index) => firstDay + index * dayMs)
  // No bucket of any tier spans two days, so two days never wait for each other.
  await inTurns(pool, dayStarts, async (client, day) => {
    const own = `SELECT * FROM api_requests WHERE created_at >= to_timestamp(${day / 1000})
      AND created_at < to_timestamp(${(day + dayMs) / 1000})`
    await client.query(`set work_mem = '256MB'`)
    await client.query(product.rollupStatement(own))
    await client.query('reset work_mem')
  })
  const rollupsMs = Date.now() - began - rowsMs
  say('vacuum')
  await pool.query('vacuum (analyze)')
  await pool.query('checkpoint')
  return { rows, seconds: { rows: rowsMs / 1000, rollups: rollupsMs / 1000, all: (Date.now() - began) / 1000 } }
}

/**
 * Works off a list on two connections, one for each core.
 * @template T
 * @param {import('pg').Pool} pool @param {readonly T[]} items
 * @param {(client: import('pg').PoolClient, item: T) => Promise<void>} work
 */
async function inTurns(pool, items, work) {
  const left = [...items]
  const one = async () => {
    const client = await pool.connect()
    // A server that goes away (the run was stopped) is told by the statement itself.
    client.on('error', () => undefined)
    try {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(client, item)
    } finally {
      client.release()
    }
  }
  await Promise.all([one(), one()])
}

/** @param {readonly string[]} names */
const textArray = (names) => `ARRAY[${names.map((name) => `'${name}'`).join(', ')}]`
/** Upper bounds of shares that are laid end to end. @param {readonly { share: number }[]} list */
function bounds(list) {
  const sums = list.map((_, index) => list.slice(0, index + 1).reduce((sum, { share }) => sum + share, 0))
  return `ARRAY[${sums.map((sum) => sum.toFixed(6)).join(', ')}]::float8[]`
}

/**
 * The rows `start` to `end` of `rows`, spread over the days with a quiet night, in the order of time.
 * @param {{ from: number, days: number, rows: number, start: number, end: number }} options
 */
function seedSql({ from, days, rows, start, end }) {
  const failed = (/** @type {'statusCode' | 'outcome' | 'errorType'} */ field) =>
    `(ARRAY[${failures.map((failure) => (field === 'statusCode' ? failure[field] : `'${failure[field]}'`)).join(', ')}])[failure]`
  const normal = (/** @type {string} */ a, /** @type {string} */ b) => `sqrt(-2 * ln(1 - ${a})) * cos(2 * pi() * ${b})`
  const uniform = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'].map((name) => `random() AS ${name}`).join(', ')
  return `
  INSERT INTO api_requests (id, created_at, response_time_ms, ttft_ms, upstream_ms, overhead_ms, input_tokens,
    output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, request_bytes,
    response_bytes, status_code, upstream_status, attempts, streaming, failed_after_first_byte, cost_usd, domain,
    account_id, key_id, provider, model, requested_model, endpoint, method, path, outcome, error_type, error_message,
    price_source, usage_source, source, stop_reason, service_tier, session_id, upstream_request_id)
  SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
    to_timestamp(ms / 1000.0), duration, CASE WHEN failure IS NULL AND NOT counting THEN round((duration * (0.05 + 0.2 * r7))::numeric, 3) END,
    round((duration * 0.998)::numeric, 3), round((0.3 + r8)::numeric, 3), (r7 * 200)::int, output, (r8 * 120000)::int,
    (r9 * 3000)::int, 0, NULL, 20000 + (r9 * 400000)::int, 500 + output * 90, coalesce(${failed('statusCode')}, 200),
    coalesce(${failed('statusCode')}, 200), 1, NOT counting AND r7 < ${streamingShare}, false,
    CASE WHEN failure IS NULL THEN round((0.001 + output * 0.000015 + r8 * 0.036)::numeric, 9) ELSE 0 END,
    (${textArray(domains)})[domain + 1], (${textArray(accounts)})[domain % ${accounts.length} + 1],
    'k_' || lpad((domain * ${keysPerDomain} + key)::text, 12, '0'), (${textArray(models.map((one) => one.provider))})[model],
    CASE WHEN failure IS NULL THEN (${textArray(models.map((one) => one.model))})[model] END,
    regexp_replace((${textArray(models.map((one) => one.model))})[model], '-[0-9]{8}$', ''),
    CASE WHEN counting THEN 'count_tokens' ELSE 'messages' END, 'POST',
    CASE WHEN counting THEN '/v1/messages/count_tokens' ELSE '/v1/messages' END,
    coalesce(${failed('outcome')}, 'ok'), ${failed('errorType')}, CASE WHEN failure IS NOT NULL THEN 'The provider said no.' END,
    'genai-prices', CASE WHEN failure IS NULL THEN 'reported' ELSE 'none' END, 'wire',
    CASE WHEN failure IS NULL THEN 'end_turn' END, 'standard',
    '5e551000-0000-4000-8000-' || lpad((i / ${exchangesPerSession * domains.length * keysPerDomain} * 100 + domain * ${keysPerDomain} + key)::text, 12, '0'),
    'req_011CS' || substr(hash, 20, 10)
  FROM (
    SELECT *, CASE WHEN counting THEN 0 ELSE ceil(duration / 15)::int END AS output FROM (
      SELECT *, round((CASE WHEN counting THEN 120 * exp(0.4 * (${normal('r5', 'r6')}))
          ELSE (ARRAY[${models.map((one) => one.medianMs).join(', ')}])[model] * exp(${scatter} * (${normal('r5', 'r6')})) END)::numeric, 3)::float8 AS duration
      FROM (
        SELECT i, ms, hash, r5, r6, r7, r8, r9, floor(r1 * r1 * ${domains.length})::int AS domain,
          floor(r2 * ${keysPerDomain})::int AS key, least(width_bucket(r3, ${bounds(models)}) + 1, ${models.length}) AS model,
          CASE WHEN r4 < ${failures.reduce((sum, { share }) => sum + share, 0)} THEN width_bucket(r4, ${bounds(failures)}) + 1 END AS failure,
          r4 > ${1 - countTokensShare} AS counting
        FROM (
          SELECT i, md5(i::text || 'ledger') AS hash, ${uniform},
            (${from} + floor(share) * ${dayMs} + ((share - floor(share)) - 0.13 * sin(2 * pi() * (share - floor(share)))) * ${dayMs})::bigint AS ms
          FROM (SELECT i, i * ${days}::float8 / ${rows} AS share FROM generate_series(${start}::bigint, ${end}::bigint) AS i) AS placed
          OFFSET 0
        ) AS thrown
      ) AS chosen
      OFFSET 0
    ) AS timed
  ) AS made`
}
