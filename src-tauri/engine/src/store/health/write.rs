//! Writing samples: raw, and into the minute and the hour that they belong to, in one transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::sketch::Sketch;
use super::{HOUR, HealthStore, MINUTE};
use crate::model::{Gap, HealthState, Marker, SampleOutcome, Series};
use crate::store::{StoreError, to_word};
use crate::target::Place;

/// One measurement of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Where.
    pub place: Place,
    /// Of what.
    pub series: Series,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// How it went.
    pub outcome: SampleOutcome,
    /// The value, in the unit of the series.
    pub value: u64,
}

/// What is added to one bucket.
#[derive(Default)]
struct Added {
    count: u64,
    degraded: u64,
    failed: u64,
    unseen: u64,
    max: u64,
    values: Vec<u64>,
}

pub(super) fn number(outcome: SampleOutcome) -> i64 {
    match outcome {
        SampleOutcome::Passed => 0,
        SampleOutcome::Degraded => 1,
        SampleOutcome::Failed => 2,
        SampleOutcome::Unseen => 3,
    }
}

/// SQLite's integers are signed.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl HealthStore {
    /// Writes measurements, all or none. One that is there already (the same series, the same millisecond) is left as it is.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn append(&self, measured: &[Measured]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut buckets: BTreeMap<(i64, i64, i64), Added> = BTreeMap::new();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO raw (series, at, outcome, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
            for one in measured {
                let series = series(&transaction, one)?;
                if insert.execute(params![series, one.at, number(one.outcome), signed(one.value)])? == 0 {
                    continue;
                }
                for step in [MINUTE, HOUR] {
                    let bucket = buckets.entry((step, series, one.at - one.at.rem_euclid(step))).or_default();
                    bucket.add(one.outcome, one.value);
                }
            }
        }
        for ((step, series, at), added) in buckets {
            add(&transaction, step, series, at, &added)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Remembers that something happened; twice is once.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn mark(&self, place: &Place, marker: &Marker) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO markers (project, environment, at, release, text) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![
                place.project.as_str(),
                place.environment.as_str(),
                marker.at,
                marker.release.as_ref().map(|release| release.as_str()),
                marker.text
            ],
        )?;
        Ok(())
    }

    /// Remembers a time in which nothing was observed; with what it overlaps of the same reason it is one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_gap(&self, place: &Place, gap: &Gap) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let (project, environment) = (place.project.as_str(), place.environment.as_str());
        let (from, to): (i64, i64) = transaction.query_row(
            "SELECT min(?3, coalesce(min(began), ?3)), max(?4, coalesce(max(ended), ?4)) FROM gaps
             WHERE project = ?1 AND environment = ?2 AND began <= ?4 AND ended >= ?3 AND reason = ?5",
            params![project, environment, gap.from, gap.to, gap.reason],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        transaction.execute(
            "DELETE FROM gaps WHERE project = ?1 AND environment = ?2 AND began >= ?3 AND ended <= ?4 AND reason = ?5",
            params![project, environment, from, to, gap.reason],
        )?;
        transaction.execute(
            "INSERT INTO gaps (project, environment, began, ended, reason) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET ended = max(ended, excluded.ended)",
            params![project, environment, from, to, gap.reason],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Ends the gaps that reach beyond a time, and forgets those after it: the clock was ahead, and what comes now is watched.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn end_gaps(&self, place: &Place, now: i64) -> Result<(), StoreError> {
        let (project, environment) = (place.project.as_str(), place.environment.as_str());
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for change in ["DELETE FROM gaps WHERE began >= ?3", "UPDATE gaps SET ended = ?3 WHERE ended > ?3"] {
            transaction
                .execute(&format!("{change} AND project = ?1 AND environment = ?2"), params![project, environment, now])?;
        }
        Ok(transaction.commit()?)
    }

    /// Remembers what the last measurements of an environment mean.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_state(&self, place: &Place, state: HealthState, at: i64) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO states (project, environment, state, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = excluded.state, at = excluded.at",
            params![place.project.as_str(), place.environment.as_str(), to_word(&state)?, at],
        )?;
        Ok(())
    }
}

impl Added {
    fn add(&mut self, outcome: SampleOutcome, value: u64) {
        if outcome == SampleOutcome::Unseen {
            self.unseen += 1;
            return;
        }
        self.count += 1;
        self.degraded += u64::from(outcome == SampleOutcome::Degraded);
        self.failed += u64::from(outcome == SampleOutcome::Failed);
        // How long it took to fail says nothing of how fast it answers.
        if outcome != SampleOutcome::Failed {
            self.max = self.max.max(value);
            self.values.push(value);
        }
    }
}

fn series(connection: &Connection, one: &Measured) -> Result<i64, StoreError> {
    let (place, series) = (&one.place, &one.series);
    let mut find = connection.prepare_cached("SELECT id FROM series WHERE project = ?1 AND environment = ?2 AND name = ?3")?;
    let names = params![place.project.as_str(), place.environment.as_str(), series.name];
    if let Some(id) = find.query_row(names, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    connection.execute(
        "INSERT INTO series (project, environment, name, unit) VALUES (?1, ?2, ?3, ?4)",
        params![place.project.as_str(), place.environment.as_str(), series.name, to_word(&series.unit)?],
    )?;
    Ok(connection.last_insert_rowid())
}

fn add(connection: &Connection, step: i64, series: i64, at: i64, added: &Added) -> Result<(), StoreError> {
    let mut find = connection.prepare_cached("SELECT sketch FROM rollups WHERE step = ?1 AND series = ?2 AND at = ?3")?;
    let there: Option<Vec<u8>> = find.query_row(params![step, series, at], |row| row.get(0)).optional()?;
    let mut sketch = Sketch::read(there.as_deref().unwrap_or_default())?;
    added.values.iter().for_each(|value| sketch.record(*value));
    let mut upsert = connection.prepare_cached(
        "INSERT INTO rollups (step, series, at, count, degraded, failed, unseen, max, sketch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET count = count + excluded.count, degraded = degraded + excluded.degraded,
             failed = failed + excluded.failed, unseen = unseen + excluded.unseen, max = max(max, excluded.max), sketch = excluded.sketch",
    )?;
    upsert.execute(params![
        step,
        series,
        at,
        signed(added.count),
        signed(added.degraded),
        signed(added.failed),
        signed(added.unseen),
        signed(added.max),
        sketch.write()?
    ])?;
    Ok(())
}
