-- Notices that somebody is still to be told of. at: milliseconds since 1970; webhook: its name, nothing for the desktop.
CREATE TABLE owed (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    webhook TEXT,
    notice TEXT NOT NULL
) STRICT;
