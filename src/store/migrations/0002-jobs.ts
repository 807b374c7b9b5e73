/** Work that one of several instances does for all of them, and its history. */
export const sql = `
-- Who does a job now. One row a job; a row whose time has passed holds nothing. Plain rows, because a lock of a session
-- would not survive a connection pooler.
CREATE TABLE job_leases (
  name text PRIMARY KEY,
  run_id uuid NOT NULL,
  expires_at timestamptz NOT NULL
);

-- When each job ran, how it ended and what it did. The newest 500 runs of a job are kept.
CREATE TABLE job_runs (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  -- host and process id of the instance that ran it
  instance text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  -- abandoned: its instance died, or lost the database for longer than its lease
  outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'ok', 'failed', 'abandoned')),
  -- what was done, by name: {"partitions_dropped": 2}
  counts jsonb NOT NULL DEFAULT '{}',
  error text
);
CREATE INDEX job_runs_name ON job_runs (name, started_at DESC);
`
