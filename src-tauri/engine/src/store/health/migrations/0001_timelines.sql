-- What was measured. Times are milliseconds since 1970; a bucket is known by its beginning.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE (project, environment, name)
) STRICT;

-- outcome: 0 passed, 1 degraded, 2 failed, 3 unseen.
CREATE TABLE raw (
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

-- step: 60000 or 3600000. sketch: the values, as HdrHistogram V2 writes them.
CREATE TABLE rollups (
    step INTEGER NOT NULL,
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    max INTEGER NOT NULL,
    sketch BLOB NOT NULL,
    PRIMARY KEY (step, series, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE markers (
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    release TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (project, environment, at, text)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (project, environment, began)
) STRICT, WITHOUT ROWID;

CREATE TABLE states (
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (project, environment)
) STRICT, WITHOUT ROWID;

CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    environment TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_environment ON incidents (project, environment, opened_at);

CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    project TEXT NOT NULL,
    webhook TEXT NOT NULL,
    notice TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
