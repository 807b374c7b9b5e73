-- The schema of Signalbox, as its migrations make it. Made by `npx vitest run src/store/schema.test.ts -u`; a test fails
-- while it differs. docs/database.md tells more.

CREATE OR REPLACE FUNCTION latency_slot(ms double precision)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (floor(((((64)::double precision * ln(LEAST(GREATEST(ms, (0.001)::double precision), ('1000000000'::numeric)::double precision))) / ln((2)::double precision)) + (0.000000001)::double precision)))::smallint;

CREATE OR REPLACE FUNCTION latency_histogram(ms double precision)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (('1e'::text || (12 * (latency_slot(ms) - 640))))::numeric;

CREATE TABLE signalbox_migrations (
  name character varying(255) NOT NULL,
  "timestamp" character varying(255) NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE signalbox_migrations_lock (
  id character varying(255) NOT NULL,
  is_locked integer DEFAULT 0 NOT NULL,
  PRIMARY KEY (id)
);

-- The ledger: one wide, immutable row an exchange. Never updated, never deleted: old partitions are dropped.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE api_requests (
  -- UUID version 7; its time is created_at
  id uuid NOT NULL,
  -- when the call was opened
  created_at timestamp with time zone NOT NULL,
  -- the whole exchange as the caller saw it; null where an import can not tell
  response_time_ms double precision,
  -- until the first byte of the answer
  ttft_ms double precision,
  upstream_ms double precision,
  -- what the gateway added
  overhead_ms double precision,
  -- neither read from a cache nor written to one; the five counts are disjoint
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  -- a part of output_tokens; null where the provider does not tell
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
  -- by the price of the day, for all tokens and tools
  cost_usd numeric(18,9) NOT NULL,
  -- the project that the call belongs to
  domain text NOT NULL,
  -- the credential that paid
  account_id text,
  key_id text,
  provider text,
  -- the model that answered; null where none did
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
  -- wire: measured here. import: told by the records of another program; no figure counts it unless asked to
  source text NOT NULL,
  usage_flags text[],
  stop_reason text,
  service_tier text,
  speed text,
  inference_geo text,
  session_id text,
  agent_id text,
  parent_agent_id text,
  upstream_request_id text,
  -- the rule that sent it where it went; null where nothing but the default was asked
  route text,
  route_target text,
  -- those that did not answer or were passed over, and why, in order
  targets_tried text[],
  -- the target of the session's call before, where this one went elsewhere: its prompt cache was left behind
  moved_from text,
  translation_notes text[],
  PRIMARY KEY (created_at, id),
  CONSTRAINT api_requests_source_check CHECK ((source = ANY (ARRAY['wire'::text, 'import'::text]))),
  CONSTRAINT api_requests_timed CHECK (((source = 'import'::text) OR ((response_time_ms IS NOT NULL) AND (overhead_ms IS NOT NULL))))
) PARTITION BY RANGE (created_at);
CREATE TABLE api_requests_default PARTITION OF api_requests DEFAULT;
CREATE INDEX api_requests_domain ON api_requests USING btree (domain, created_at);
CREATE INDEX api_requests_session ON api_requests USING btree (session_id, created_at) WHERE (session_id IS NOT NULL);

-- Sums of the ledger by minute (UTC). Written in the transaction of the batch, so they always add up to it. A text key
-- is empty where the ledger has null.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE rollup_minute (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  -- the model that answered, else the one that a provider was asked for
  model text COLLATE "C" NOT NULL,
  endpoint text COLLATE "C" NOT NULL,
  status_code integer NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  error_type text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_usd numeric(28,9) NOT NULL,
  PRIMARY KEY (bucket, domain, account_id, key_id, provider, model, endpoint, status_code, outcome, error_type, source),
  CONSTRAINT rollup_minute_source_check CHECK ((source = ANY (ARRAY['wire'::text, 'import'::text])))
) PARTITION BY RANGE (bucket);
CREATE TABLE rollup_minute_default PARTITION OF rollup_minute DEFAULT WITH (fillfactor=70);

-- How long calls took, by minute (UTC), as one histogram a column; of the wire alone, since nobody timed what was
-- imported. The number of calls in a slot (see latency_slot) stands in twelve decimal digits of their own, those at
-- 10^(12 * (slot - 640)). So to add these numbers is to add the histograms: sum() merges any number of them, exactly,
-- as fast as it adds anything.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE latency_minute (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  response_time numeric NOT NULL,
  -- 0 where no call had a first token
  ttft numeric NOT NULL,
  PRIMARY KEY (bucket, domain, provider, model)
) PARTITION BY RANGE (bucket);
CREATE TABLE latency_minute_default PARTITION OF latency_minute DEFAULT WITH (fillfactor=70);

-- Sums of the ledger by hour (UTC). Written in the transaction of the batch, so they always add up to it. A text key is
-- empty where the ledger has null.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE rollup_hour (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  -- the model that answered, else the one that a provider was asked for
  model text COLLATE "C" NOT NULL,
  endpoint text COLLATE "C" NOT NULL,
  status_code integer NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  error_type text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_usd numeric(28,9) NOT NULL,
  PRIMARY KEY (bucket, domain, account_id, key_id, provider, model, endpoint, status_code, outcome, error_type, source),
  CONSTRAINT rollup_hour_source_check CHECK ((source = ANY (ARRAY['wire'::text, 'import'::text])))
) PARTITION BY RANGE (bucket);
CREATE TABLE rollup_hour_default PARTITION OF rollup_hour DEFAULT WITH (fillfactor=70);

-- How long calls took, by hour (UTC), as one histogram a column; of the wire alone, since nobody timed what was
-- imported. The number of calls in a slot (see latency_slot) stands in twelve decimal digits of their own, those at
-- 10^(12 * (slot - 640)). So to add these numbers is to add the histograms: sum() merges any number of them, exactly,
-- as fast as it adds anything.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE latency_hour (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  response_time numeric NOT NULL,
  -- 0 where no call had a first token
  ttft numeric NOT NULL,
  PRIMARY KEY (bucket, domain, provider, model)
) PARTITION BY RANGE (bucket);
CREATE TABLE latency_hour_default PARTITION OF latency_hour DEFAULT WITH (fillfactor=70);

-- Sums of the ledger by day (UTC). Written in the transaction of the batch, so they always add up to it. A text key is
-- empty where the ledger has null.
-- One partition a year, made ahead and dropped by retention.
CREATE TABLE rollup_day (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  account_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  -- the model that answered, else the one that a provider was asked for
  model text COLLATE "C" NOT NULL,
  endpoint text COLLATE "C" NOT NULL,
  status_code integer NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  error_type text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_usd numeric(28,9) NOT NULL,
  PRIMARY KEY (bucket, domain, account_id, key_id, provider, model, endpoint, status_code, outcome, error_type, source),
  CONSTRAINT rollup_day_source_check CHECK ((source = ANY (ARRAY['wire'::text, 'import'::text])))
) PARTITION BY RANGE (bucket);
CREATE TABLE rollup_day_default PARTITION OF rollup_day DEFAULT WITH (fillfactor=70);

-- How long calls took, by day (UTC), as one histogram a column; of the wire alone, since nobody timed what was
-- imported. The number of calls in a slot (see latency_slot) stands in twelve decimal digits of their own, those at
-- 10^(12 * (slot - 640)). So to add these numbers is to add the histograms: sum() merges any number of them, exactly,
-- as fast as it adds anything.
-- One partition a year, made ahead and dropped by retention.
CREATE TABLE latency_day (
  bucket timestamp with time zone NOT NULL,
  domain text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  response_time numeric NOT NULL,
  -- 0 where no call had a first token
  ttft numeric NOT NULL,
  PRIMARY KEY (bucket, domain, provider, model)
) PARTITION BY RANGE (bucket);
CREATE TABLE latency_day_default PARTITION OF latency_day DEFAULT WITH (fillfactor=70);

-- What providers said about the limits of an account, raw: the headers are undocumented and drift. At most one sample
-- an account in ten seconds, the newest of them.
-- One partition a month, made ahead and dropped by retention.
CREATE TABLE rate_limit_samples (
  account_id text NOT NULL,
  -- observed_at, rounded down to ten seconds
  slot_start timestamp with time zone NOT NULL,
  observed_at timestamp with time zone NOT NULL,
  exchange_id uuid NOT NULL,
  headers jsonb NOT NULL,
  PRIMARY KEY (account_id, slot_start)
) PARTITION BY RANGE (slot_start);
CREATE TABLE rate_limit_samples_default PARTITION OF rate_limit_samples DEFAULT;

-- Keys of callers. The key itself is nowhere: hash is hex HMAC-SHA256 under a pepper kept outside the database.
CREATE TABLE client_keys (
  id text NOT NULL,
  hash text NOT NULL,
  domain text NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  PRIMARY KEY (id),
  UNIQUE (hash)
);

-- Who does a job now. One row a job; a row whose time has passed holds nothing.
CREATE TABLE job_leases (
  name text NOT NULL,
  run_id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  PRIMARY KEY (name)
);

-- When each job ran, how it ended and what it did. The newest 500 runs of a job are kept.
CREATE TABLE job_runs (
  id uuid NOT NULL,
  name text NOT NULL,
  -- host and process id of the instance that ran it
  instance text NOT NULL,
  started_at timestamp with time zone DEFAULT now() NOT NULL,
  finished_at timestamp with time zone,
  -- abandoned: its instance died, or lost the database for longer than its lease
  outcome text DEFAULT 'running'::text NOT NULL,
  -- what was done, by name: {"partitions_dropped": 2}
  counts jsonb DEFAULT '{}'::jsonb NOT NULL,
  error text,
  PRIMARY KEY (id),
  CONSTRAINT job_runs_outcome_check CHECK ((outcome = ANY (ARRAY['running'::text, 'ok'::text, 'failed'::text, 'abandoned'::text])))
);
CREATE INDEX job_runs_name ON job_runs USING btree (name, started_at DESC);
