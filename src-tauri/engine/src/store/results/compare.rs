//! Compares what a gate found with what it found earlier. Line numbers do not count: code moves.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};

use super::super::{StoreError, from_json};
use super::GateKey;
use crate::model::{Comparison, GateReport, RunId, RunMark};

/// A gate's earlier result.
struct Earlier {
    id: i64,
    mark: RunMark,
    report: String,
}

/// What stays the same of a finding when the code around it moves.
type Print = (String, Option<String>, String);

/// Marks what the gate's run before this one did not have and puts it first; none when there is nothing to compare with.
pub(super) fn mark(
    transaction: &Transaction<'_>,
    key: &GateKey<'_>,
    report: &mut GateReport,
) -> Result<Option<Comparison>, StoreError> {
    let before = earlier(transaction, key, &report.gate, "state IN ('green', 'red')")?;
    let green = earlier(transaction, key, &report.gate, "state = 'green'")?;
    let Some(before) = before else { return Ok(None) };
    let mut comparison = Comparison { before: Some(before.mark), ..Comparison::default() };

    let mut findings = prints(transaction, before.id)?;
    for finding in &mut report.findings {
        let print = (finding.file.clone(), finding.rule.clone(), finding.message.clone());
        match findings.get_mut(&print).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => {
                finding.new = true;
                comparison.new += 1;
            }
        }
    }
    let gone: u32 = findings.values().sum();
    let mut failed = failing(transaction, before.id)?;
    if let Some(tests) = &mut report.tests {
        for failure in &mut tests.failures {
            failure.new = !failed.remove(&failure.id);
            comparison.new += u32::from(failure.new);
        }
        tests.failures.sort_by_key(|failure| !failure.new);
    }
    report.findings.sort_by_key(|finding| !finding.new);
    comparison.mended = gone.saturating_add(u32::try_from(failed.len()).unwrap_or(u32::MAX));

    if let Some(green) = green {
        let then: GateReport = from_json(&green.report)?;
        comparison.green = Some(green.mark);
        comparison.duration_ms = Some(then.duration_ms);
        comparison.coverage = then.tests.and_then(|tests| tests.coverage);
        if let Some(coverage) = &mut comparison.coverage {
            coverage.files.clear();
        }
    }
    Ok(Some(comparison))
}

/// Counts tests that broke, came and went since the gate was green.
pub(super) fn count_tests(
    transaction: &Transaction<'_>,
    result: i64,
    key: &GateKey<'_>,
    gate: &str,
    comparison: &mut Comparison,
) -> Result<(), StoreError> {
    let Some(mark) = &comparison.green else { return Ok(()) };
    let green = transaction
        .query_row(
            "SELECT id FROM gate_results WHERE project = ?1 AND run = ?2 AND gate = ?3",
            params![key.project.as_str(), mark.run.as_str(), gate],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    let Some(green) = green else { return Ok(()) };
    let count = |sql: &str, one: i64, other: i64| transaction.query_row(sql, params![one, other], |row| row.get::<_, u32>(0));
    const LACKS: &str = "SELECT count(*) FROM test_results one WHERE result = ?1
        AND NOT EXISTS (SELECT 1 FROM test_results other WHERE other.result = ?2 AND other.test = one.test)";
    const BROKEN: &str =
        "SELECT count(*) FROM test_results one JOIN test_results other ON other.result = ?2 AND other.test = one.test
        WHERE one.result = ?1 AND one.state IN ('failed', 'error') AND other.state IN ('passed', 'flaky')";
    comparison.broken = count(BROKEN, result, green)?;
    comparison.added = count(LACKS, result, green)?;
    comparison.removed = count(LACKS, green, result)?;
    Ok(())
}

/// The newest result of a gate before a run's that a condition of ours holds for.
fn earlier(transaction: &Transaction<'_>, key: &GateKey<'_>, gate: &str, condition: &str) -> Result<Option<Earlier>, StoreError> {
    let sql = format!(
        "SELECT id, run, at, report FROM gate_results WHERE project = ?1 AND gate = ?2 AND run <> ?3 AND {condition}
         ORDER BY id DESC LIMIT 1"
    );
    let row = transaction.query_row(&sql, params![key.project.as_str(), gate, key.run.as_str()], |row| {
        let mark = RunMark { run: RunId::new(row.get::<_, String>(1)?), at: row.get(2)? };
        Ok(Earlier { id: row.get(0)?, mark, report: row.get(3)? })
    });
    Ok(row.optional()?)
}

fn prints(transaction: &Transaction<'_>, result: i64) -> Result<BTreeMap<Print, u32>, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT file, rule, message FROM gate_findings WHERE result = ?1")?;
    let rows = statement.query_map([result], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut prints = BTreeMap::new();
    for print in rows {
        *prints.entry(print?).or_insert(0) += 1;
    }
    Ok(prints)
}

fn failing(transaction: &Transaction<'_>, result: i64) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT name FROM test_results JOIN tests ON tests.id = test WHERE result = ?1 AND state IN ('failed', 'error')",
    )?;
    let rows = statement.query_map([result], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
