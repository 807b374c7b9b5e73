/** Work that one of several instances does for all of them, and its history. */
export const sql = `
-- Rows and not locks of a session, which would not survive a connection pooler.
CREATE TABLE job_leases (
  name text PRIMARY KEY,
  run_id uuid NOT NULL,
  expires_at timestamptz NOT NULL
);
COMMENT ON TABLE job_leases IS 'Who does a job now. One row a job; a row whose time has passed holds nothing.';

CREATE TABLE job_runs (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  instance text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'ok', 'failed', 'abandoned')),
  counts jsonb NOT NULL DEFAULT '{}',
  error text
);
CREATE INDEX job_runs_name ON job_runs (name, started_at DESC);
COMMENT ON TABLE job_runs IS 'When each job ran, how it ended and what it did. The newest 500 runs of a job are kept.';
COMMENT ON COLUMN job_runs.instance IS 'host and process id of the instance that ran it';
COMMENT ON COLUMN job_runs.outcome IS 'abandoned: its instance died, or lost the database for longer than its lease';
COMMENT ON COLUMN job_runs.counts IS 'what was done, by name: {"partitions_dropped": 2}';
`
