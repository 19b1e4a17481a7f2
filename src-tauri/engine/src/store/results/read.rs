//! Reads what gates found: of one run, or of one test over many.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{Store, StoreError, from_json, from_word};
use crate::model::{GateReport, GateState, ProjectName, RunId, TestOutcome, TestPast, TestResult, TestState};

/// Which of a run's tests are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All, in the order in which they were first met.
    All,
    /// The slowest, the slowest first, at most this many.
    Slowest(u32),
}

impl Store {
    /// Finds the newest run of a project that has results; with a prefix, the one whose id begins so.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs_with_results(&self, project: &ProjectName, prefix: &str, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT run FROM gate_results WHERE project = ?1 AND substr(run, 1, length(?2)) = ?2
             GROUP BY run ORDER BY max(id) DESC LIMIT ?3",
        )?;
        let rows = statement.query_map(params![project.as_str(), prefix, limit], |row| row.get::<_, String>(0))?;
        Ok(rows.map(|run| run.map(RunId::new)).collect::<Result<_, _>>()?)
    }

    /// Reads what the gates of a run found, in the order in which they are shown.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gate_reports(&self, run: &RunId) -> Result<Vec<GateReport>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, report FROM gate_results WHERE run = ?1 ORDER BY position, id")?;
        let rows = statement.query_map([run.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (id, head) = row?;
            whole(&connection, id, from_json(&head)?)
        })
        .collect()
    }

    /// Reads the tests of a gate in a run; of one that was green before with the same inputs, those of that time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tests(&self, run: &RunId, gate: &str, wanted: Wanted) -> Result<Vec<TestResult>, StoreError> {
        let connection = self.connection();
        let result = connection
            .query_row(
                "SELECT coalesce((SELECT max(green.id) FROM gate_results green WHERE one.state = 'cached' AND green.state = 'green'
                    AND green.project = one.project AND green.gate = one.gate AND green.id < one.id), one.id)
                 FROM gate_results one WHERE run = ?1 AND gate = ?2",
                params![run.as_str(), gate],
                |row| row.get::<_, i64>(0),
            )
            .optional()?;
        let Some(result) = result else { return Ok(Vec::new()) };
        let (order, limit) = match wanted {
            Wanted::All => ("test", u32::MAX),
            Wanted::Slowest(most) => ("duration_s DESC, test", most),
        };
        let sql = format!(
            "SELECT name, state, duration_s FROM test_results JOIN tests ON tests.id = test WHERE result = ?1
             ORDER BY {order} LIMIT ?2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![result, limit], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, f64>(2)?))
        })?;
        rows.map(|row| {
            let (id, state, duration_s) = row?;
            Ok(TestResult { id, state: from_word(&state)?, duration_s })
        })
        .collect()
    }

    /// Finds the tests of a project by a part of their id; the very id alone when there is one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_tests(&self, project: &ProjectName, part: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT name FROM tests WHERE project = ?1 AND (name = ?2 OR (instr(name, ?2) > 0
                AND NOT EXISTS (SELECT 1 FROM tests WHERE project = ?1 AND name = ?2))) ORDER BY name LIMIT ?3",
        )?;
        let rows = statement.query_map(params![project.as_str(), part, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Reads what became of one test in each run, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn test_history(&self, project: &ProjectName, test: &str, limit: u32) -> Result<Vec<TestPast>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT run, gate, at, test_results.state, duration_s, outcome FROM test_results
             JOIN gate_results ON gate_results.id = result
             WHERE test = (SELECT id FROM tests WHERE project = ?1 AND name = ?2) ORDER BY result DESC LIMIT ?3",
        )?;
        let rows = statement.query_map(params![project.as_str(), test, limit], |row| {
            let past = (row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            Ok((past, row.get::<_, String>(3)?, row.get::<_, f64>(4)?, row.get::<_, Option<String>>(5)?))
        })?;
        rows.map(|row| {
            let ((run, gate, at), state, duration_s, outcome) = row?;
            let outcome: Option<TestOutcome> = outcome.as_deref().map(from_json).transpose()?;
            Ok(TestPast {
                run: RunId::new(run),
                gate,
                at,
                test: TestResult { id: test.to_owned(), state: from_word(&state)?, duration_s },
                message: outcome.map(|outcome| outcome.message),
            })
        })
        .collect()
    }
}

/// Adds findings and failures to a report's head.
fn whole(connection: &Connection, result: i64, mut report: GateReport) -> Result<GateReport, StoreError> {
    let mut statement = connection.prepare_cached("SELECT finding FROM gate_findings WHERE result = ?1 ORDER BY position")?;
    let findings = statement.query_map([result], |row| row.get::<_, String>(0))?;
    report.findings = findings.map(|finding| from_json(&finding?)).collect::<Result<_, StoreError>>()?;
    if matches!(report.state, GateState::Cached { .. }) {
        return Ok(report);
    }
    if let Some(tests) = &mut report.tests {
        let mut statement = connection
            .prepare_cached("SELECT outcome FROM test_results WHERE result = ?1 AND outcome IS NOT NULL ORDER BY position")?;
        let outcomes = statement.query_map([result], |row| row.get::<_, String>(0))?;
        for outcome in outcomes {
            let outcome: TestOutcome = from_json(&outcome?)?;
            match outcome.state {
                TestState::Flaky => tests.flaky.push(outcome),
                _ => tests.failures.push(outcome),
            }
        }
    }
    Ok(report)
}
