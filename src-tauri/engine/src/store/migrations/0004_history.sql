-- Why a rollout was done, in the person's words, and what was passed over because the person said so.
ALTER TABLE rollouts ADD COLUMN message TEXT;
ALTER TABLE rollouts ADD COLUMN anyway TEXT;

-- What one-off commands of a rollout printed, such as the one before the start.
CREATE TABLE kept_lines (
    rollout TEXT NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (rollout, position)
) STRICT, WITHOUT ROWID;

-- Runs of jobs. One that was not done has no exit code but says why.
CREATE TABLE job_runs (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    job TEXT NOT NULL,
    release TEXT,
    -- When it was due; none when a person started it.
    due_at TEXT,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    exit_code INTEGER,
    oom INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    lines TEXT NOT NULL DEFAULT '[]',
    by TEXT NOT NULL,
    pid INTEGER NOT NULL
) STRICT;
CREATE INDEX job_runs_by_job ON job_runs (project, environment, job, started_at);

-- Since when a job's schedule counts: from its first sight on, and then from its last due time that was answered.
CREATE TABLE job_marks (
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    job TEXT NOT NULL,
    counted_from TEXT NOT NULL,
    PRIMARY KEY (project, environment, job)
) STRICT, WITHOUT ROWID;
