-- What gates found, for as long as their run is remembered.
CREATE TABLE gate_results (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    gate TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    at TEXT NOT NULL,
    -- The report without findings and without failures, which have rows of their own.
    report TEXT NOT NULL,
    UNIQUE (run, gate)
) STRICT;
CREATE INDEX gate_results_by_gate ON gate_results (project, gate, id);

CREATE TABLE gate_findings (
    result INTEGER NOT NULL REFERENCES gate_results (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    file TEXT NOT NULL,
    rule TEXT,
    message TEXT NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (result, position)
) STRICT, WITHOUT ROWID;

-- Names once, so that a run of many tests costs a few bytes for each.
CREATE TABLE tests (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (project, name)
) STRICT;

CREATE TABLE test_results (
    result INTEGER NOT NULL REFERENCES gate_results (id) ON DELETE CASCADE,
    test INTEGER NOT NULL REFERENCES tests (id),
    state TEXT NOT NULL,
    duration_s REAL NOT NULL,
    -- Of a test that did not pass, or not at once: its place among them, and what it said.
    position INTEGER,
    outcome TEXT,
    PRIMARY KEY (result, test)
) STRICT, WITHOUT ROWID;
CREATE INDEX test_results_by_test ON test_results (test, result);
