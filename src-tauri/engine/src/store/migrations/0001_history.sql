-- What a home remembers. The target is the truth about what serves; this is memory.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE projects (
    name TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    added_at TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    environment TEXT,
    verb TEXT NOT NULL,
    state TEXT NOT NULL,
    release TEXT,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    by TEXT NOT NULL,
    pid INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_by_project ON runs (project, started_at);
CREATE INDEX runs_unfinished ON runs (state) WHERE state = 'running';

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    project TEXT NOT NULL,
    run TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run, seq);

CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    created_at TEXT NOT NULL,
    manifest TEXT NOT NULL
) STRICT;
CREATE INDEX releases_by_project ON releases (project, created_at);

CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    reason TEXT NOT NULL,
    from_release TEXT,
    to_release TEXT NOT NULL,
    placement TEXT NOT NULL,
    state TEXT NOT NULL,
    failure TEXT,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    by TEXT NOT NULL
) STRICT;
CREATE INDEX rollouts_by_environment ON rollouts (project, environment, started_at);

CREATE TABLE rollout_steps (
    rollout TEXT NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    PRIMARY KEY (rollout, position)
) STRICT;

-- Gauntlets that were green, by everything that they depend on.
CREATE TABLE proofs (
    key TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    at TEXT NOT NULL,
    reports TEXT NOT NULL
) STRICT;
