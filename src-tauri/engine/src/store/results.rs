//! What gates found in each run: findings and tests in rows of their own, so that one run can be compared with another.

mod compare;
mod read;
#[cfg(test)]
mod tests;

use rusqlite::{Transaction, params};

use super::events::append;
use super::{Store, StoreError, now, to_json, to_word};
use crate::event::{Event, EventBody};
use crate::model::{Comparison, Finding, GateReport, GateState, ProjectName, RunId, TestOutcome, TestResult};

pub use self::read::Wanted;

/// Runs of a project whose results are kept. Of older ones, each gate's last green result stays.
const KEPT_RUNS: u32 = 100;

/// Where a gate's results belong.
#[derive(Debug, Clone, Copy)]
pub struct GateKey<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The run.
    pub run: &'a RunId,
    /// The gate's place among those of its run.
    pub position: u32,
}

impl Store {
    /// Remembers what a gate found, compares it with earlier runs, and appends that the gate has finished.
    ///
    /// What is new since the gate's run before comes first in the report that is returned.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn record_gate(
        &self,
        key: &GateKey<'_>,
        mut report: GateReport,
        tests: &[TestResult],
    ) -> Result<(GateReport, Event), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut comparison = match report.state {
            GateState::Green | GateState::Red => compare::mark(&transaction, key, &mut report)?,
            GateState::Error { .. } | GateState::Skipped { .. } | GateState::Cached { .. } | GateState::NotSetUp => None,
        };
        let result = insert(&transaction, key, &report, tests)?;
        if let Some(comparison) = &mut comparison {
            compare::count_tests(&transaction, result, key, &report.gate, comparison)?;
            transaction.execute(
                "UPDATE gate_results SET report = ?2 WHERE id = ?1",
                params![result, head(&report, Some(comparison))?],
            )?;
        }
        report.compared = comparison;
        let event = append(&transaction, key.project, key.run, EventBody::GateFinished(report.clone()))?;
        transaction.commit()?;
        Ok((report, event))
    }

    /// Forgets the results of all but the newest runs of a project.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_old_results(&self, project: &ProjectName) -> Result<(), StoreError> {
        self.keep_results(project, KEPT_RUNS)
    }

    fn keep_results(&self, project: &ProjectName, runs: u32) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let forgotten = transaction.execute(
            "DELETE FROM gate_results WHERE project = ?1
             AND run NOT IN (SELECT run FROM gate_results WHERE project = ?1 GROUP BY run ORDER BY max(id) DESC LIMIT ?2)
             AND id NOT IN (SELECT max(id) FROM gate_results WHERE project = ?1 AND state = 'green' GROUP BY gate)",
            params![project.as_str(), runs],
        )?;
        if forgotten > 0 {
            transaction.execute(
                "DELETE FROM tests WHERE project = ?1 AND NOT EXISTS (SELECT 1 FROM test_results WHERE test = tests.id)",
                [project.as_str()],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// Writes a gate's rows and returns the id of the first.
fn insert(
    transaction: &Transaction<'_>,
    key: &GateKey<'_>,
    report: &GateReport,
    tests: &[TestResult],
) -> Result<i64, StoreError> {
    transaction.execute("DELETE FROM gate_results WHERE run = ?1 AND gate = ?2", params![key.run.as_str(), report.gate])?;
    transaction.execute(
        "INSERT INTO gate_results (run, project, gate, position, state, at, report) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.run.as_str(),
            key.project.as_str(),
            report.gate,
            key.position,
            report.state.word(),
            now(),
            head(report, report.compared.as_ref())?
        ],
    )?;
    let result = transaction.last_insert_rowid();
    insert_findings(transaction, result, &report.findings)?;
    let outcomes = report.tests.iter().flat_map(|told| told.failures.iter().chain(&told.flaky)).collect::<Vec<_>>();
    insert_tests(transaction, key.project, result, tests, &outcomes)?;
    Ok(result)
}

/// The report without what has rows of its own.
fn head(report: &GateReport, compared: Option<&Comparison>) -> Result<String, StoreError> {
    let mut head = GateReport { findings: Vec::new(), compared: compared.cloned(), ..report.clone() };
    if let Some(tests) = &mut head.tests {
        tests.failures = Vec::new();
        tests.flaky = Vec::new();
    }
    to_json(&head)
}

fn insert_findings(transaction: &Transaction<'_>, result: i64, findings: &[Finding]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO gate_findings (result, position, file, rule, message, finding) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, finding) in (0_i64..).zip(findings) {
        statement.execute(params![result, position, finding.file, finding.rule, finding.message, to_json(finding)?])?;
    }
    Ok(())
}

fn insert_tests(
    transaction: &Transaction<'_>,
    project: &ProjectName,
    result: i64,
    tests: &[TestResult],
    outcomes: &[&TestOutcome],
) -> Result<(), StoreError> {
    let mut known = transaction.prepare_cached("SELECT id FROM tests WHERE project = ?1 AND name = ?2")?;
    let mut name = transaction.prepare_cached("INSERT INTO tests (project, name) VALUES (?1, ?2) RETURNING id")?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO test_results (result, test, state, duration_s, position, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (result, test) DO UPDATE SET position = excluded.position, outcome = excluded.outcome",
    )?;
    let mut write = |id: &str, state: String, seconds: f64, position: Option<i64>, outcome: Option<String>| {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let test = match known.query_row(params![project.as_str(), id], read) {
            Err(rusqlite::Error::QueryReturnedNoRows) => name.query_row(params![project.as_str(), id], read),
            found => found,
        }?;
        insert.execute(params![result, test, state, seconds, position, outcome])?;
        Ok::<(), StoreError>(())
    };
    for test in tests {
        write(&test.id, to_word(&test.state)?, test.duration_s, None, None)?;
    }
    for (position, outcome) in (0_i64..).zip(outcomes) {
        write(&outcome.id, to_word(&outcome.state)?, outcome.duration_s, Some(position), Some(to_json(outcome)?))?;
    }
    Ok(())
}
