-- What instances of one project printed. Times are nanoseconds since 1970.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    process TEXT NOT NULL,
    release TEXT NOT NULL
) STRICT;

-- How far each stream was read: the time of the last line that is kept, and how many lines of that time are.
CREATE TABLE cursors (
    source INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, stream)
) STRICT, WITHOUT ROWID;

-- Records that are not enough for a block yet.
CREATE TABLE tail (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    source INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX tail_by_environment ON tail (environment, seq);

-- Sealed records; the columns before the data say whether it is worth reading.
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    levels INTEGER NOT NULL,
    sources TEXT NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX blocks_by_time ON blocks (environment, to_at);

CREATE TABLE exceptions (
    environment TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    release TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    frames TEXT NOT NULL,
    example TEXT NOT NULL,
    PRIMARY KEY (environment, fingerprint, release)
) STRICT;

-- How many records of a minute tell of a failure.
CREATE TABLE minutes (
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    records INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    PRIMARY KEY (environment, at)
) STRICT, WITHOUT ROWID;
