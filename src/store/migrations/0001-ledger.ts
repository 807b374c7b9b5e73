import { tiers } from '../rollup-tiers.ts'

/**
 * A text key is '' where the ledger has null, because a primary key knows no null. Every batch updates the rows of the
 * present: `fillfactor` leaves the room that lets PostgreSQL do so without touching the index. Partitions name it
 * themselves, because a partitioned table can not.
 */
const rollups = tiers
  .map(
    ({ name }) => `
CREATE TABLE rollup_${name} (
  bucket timestamptz NOT NULL,
  domain text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  endpoint text COLLATE "C" NOT NULL,
  status_code integer NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  error_type text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL CHECK (source IN ('wire', 'import')),
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_usd numeric(28, 9) NOT NULL,
  PRIMARY KEY (bucket, domain, account_id, key_id, provider, model, endpoint, status_code, outcome, error_type,
    source)
) PARTITION BY RANGE (bucket);
CREATE TABLE rollup_${name}_default PARTITION OF rollup_${name} DEFAULT WITH (fillfactor = 70);
COMMENT ON TABLE rollup_${name} IS 'Sums of the ledger by ${name} (UTC). Written in the transaction of the batch, so they always add up to it. A text key is empty where the ledger has null.';
COMMENT ON COLUMN rollup_${name}.model IS 'the model that answered, else the one that a provider was asked for';

CREATE TABLE latency_${name} (
  bucket timestamptz NOT NULL,
  domain text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  response_time numeric NOT NULL,
  ttft numeric NOT NULL,
  PRIMARY KEY (bucket, domain, provider, model)
) PARTITION BY RANGE (bucket);
CREATE TABLE latency_${name}_default PARTITION OF latency_${name} DEFAULT WITH (fillfactor = 70);
COMMENT ON TABLE latency_${name} IS 'How long calls took, by ${name} (UTC), as one histogram a column; of the wire alone, since nobody timed what was imported. The number of calls in a slot (see latency_slot) stands in twelve decimal digits of their own, those at 10^(12 * (slot - 640)). So to add these numbers is to add the histograms: sum() merges any number of them, exactly, as fast as it adds anything.';
COMMENT ON COLUMN latency_${name}.ttft IS '0 where no call had a first token';`,
  )
  .join('\n')

/** The ledger, its rollups, samples of the limits of each account, and the client keys. */
export const sql = `
-- Everything that grows with traffic is partitioned by time (UTC, see partitions.ts), so that retention drops tables and
-- deletes no rows. Each has a default partition: rows from outside the time made ahead (a clock that was far off, history
-- that is imported) must not stop the recorder.

-- The eight-byte columns stand first, so that no row carries padding.
CREATE TABLE api_requests (
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  response_time_ms double precision,
  ttft_ms double precision,
  upstream_ms double precision,
  overhead_ms double precision,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint,
  request_bytes bigint NOT NULL,
  response_bytes bigint NOT NULL,
  status_code integer NOT NULL,
  upstream_status integer,
  attempts integer NOT NULL,
  web_search_requests integer,
  web_fetch_requests integer,
  streaming boolean NOT NULL,
  failed_after_first_byte boolean NOT NULL,
  cost_usd numeric(18, 9) NOT NULL,
  domain text NOT NULL,
  account_id text,
  key_id text,
  provider text,
  model text,
  requested_model text,
  endpoint text NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  outcome text NOT NULL,
  error_type text,
  error_message text,
  price_source text NOT NULL,
  usage_source text NOT NULL,
  source text NOT NULL CHECK (source IN ('wire', 'import')),
  usage_flags text[],
  stop_reason text,
  service_tier text,
  speed text,
  inference_geo text,
  session_id text,
  agent_id text,
  parent_agent_id text,
  upstream_request_id text,
  route text,
  route_target text,
  targets_tried text[],
  moved_from text,
  translation_notes text[],
  CONSTRAINT api_requests_timed CHECK (source = 'import' OR (response_time_ms IS NOT NULL AND overhead_ms IS NOT NULL)),
  -- An id is a UUID version 7 whose time is created_at, so this index also finds a row by its id alone.
  PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
CREATE INDEX api_requests_domain ON api_requests (domain, created_at);
CREATE INDEX api_requests_session ON api_requests (session_id, created_at) WHERE session_id IS NOT NULL;
CREATE TABLE api_requests_default PARTITION OF api_requests DEFAULT;
COMMENT ON TABLE api_requests IS 'The ledger: one wide, immutable row an exchange. Never updated, never deleted: old partitions are dropped.';
COMMENT ON COLUMN api_requests.id IS 'UUID version 7; its time is created_at';
COMMENT ON COLUMN api_requests.created_at IS 'when the call was opened';
COMMENT ON COLUMN api_requests.response_time_ms IS 'the whole exchange as the caller saw it; null where an import can not tell';
COMMENT ON COLUMN api_requests.ttft_ms IS 'until the first byte of the answer';
COMMENT ON COLUMN api_requests.overhead_ms IS 'what the gateway added';
COMMENT ON COLUMN api_requests.input_tokens IS 'neither read from a cache nor written to one; the five counts are disjoint';
COMMENT ON COLUMN api_requests.reasoning_tokens IS 'a part of output_tokens; null where the provider does not tell';
COMMENT ON COLUMN api_requests.cost_usd IS 'by the price of the day, for all tokens and tools';
COMMENT ON COLUMN api_requests.domain IS 'the project that the call belongs to';
COMMENT ON COLUMN api_requests.account_id IS 'the credential that paid';
COMMENT ON COLUMN api_requests.model IS 'the model that answered; null where none did';
COMMENT ON COLUMN api_requests.route IS 'the rule that sent it where it went; null where nothing but the default was asked';
COMMENT ON COLUMN api_requests.targets_tried IS 'those that did not answer or were passed over, and why, in order';
COMMENT ON COLUMN api_requests.moved_from IS 'the target of the session''s call before, where this one went elsewhere: its prompt cache was left behind';
COMMENT ON COLUMN api_requests.source IS 'wire: measured here. import: told by the records of another program; no figure counts it unless asked to';

-- Records carry three decimals, so nothing lies between 0 and 0.001. The small addition keeps powers of two, whose
-- logarithm may come out a hair too small, in the slot that begins with them.
CREATE FUNCTION latency_slot(ms double precision) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN floor(64 * ln(least(greatest(ms, 0.001), 1e9)) / ln(2::double precision) + 1e-9)::smallint;
-- One call as a histogram of its own, see latency_minute. 640 is the slot of 1,024 ms: around it numbers are shortest.
CREATE FUNCTION latency_histogram(ms double precision) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN ('1e' || 12 * (latency_slot(ms) - 640))::numeric;
${rollups}

CREATE TABLE rate_limit_samples (
  account_id text NOT NULL,
  slot_start timestamptz NOT NULL,
  observed_at timestamptz NOT NULL,
  exchange_id uuid NOT NULL,
  headers jsonb NOT NULL,
  PRIMARY KEY (account_id, slot_start)
) PARTITION BY RANGE (slot_start);
CREATE TABLE rate_limit_samples_default PARTITION OF rate_limit_samples DEFAULT;
COMMENT ON TABLE rate_limit_samples IS 'What providers said about the limits of an account, raw: the headers are undocumented and drift. At most one sample an account in ten seconds, the newest of them.';
COMMENT ON COLUMN rate_limit_samples.slot_start IS 'observed_at, rounded down to ten seconds';

CREATE TABLE client_keys (
  id text PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  domain text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
COMMENT ON TABLE client_keys IS 'Keys of callers. The key itself is nowhere: hash is hex HMAC-SHA256 under a pepper kept outside the database.';
`
