//! Forgetting: what is older than it is kept, and what goes beyond the budget of bytes.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::{HOUR, HealthStore, MINUTE, owed};
use crate::store::StoreError;

/// How long what is kept, and how much of the disk it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples.
    pub raw: Duration,
    /// Minutes.
    pub minutes: Duration,
    /// Hours, markers, gaps and incidents.
    pub hours: Duration,
    /// Bytes of the file.
    pub bytes: u64,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    fn default() -> Self {
        Self { raw: DAY * 2, minutes: DAY * 30, hours: DAY * 730, bytes: 512_000_000 }
    }
}

/// Rows that one step of making room removes; few enough that nobody waits for it.
const AT_ONCE: i64 = 50_000;
/// Notices that nobody took which are kept.
const LETTERS: i64 = 200;

impl HealthStore {
    /// Forgets what is older than it is kept, and then the oldest of what is finest until the file fits its budget.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn prune(&self, now: i64, retention: Retention) -> Result<(), StoreError> {
        let connection = self.connection();
        let before = |kept: Duration| now.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
        connection.execute("DELETE FROM raw WHERE at < ?1", [before(retention.raw)])?;
        connection.execute("DELETE FROM rollups WHERE step = ?1 AND at < ?2", [MINUTE, before(retention.minutes)])?;
        connection.execute("DELETE FROM rollups WHERE step = ?1 AND at < ?2", [HOUR, before(retention.hours)])?;
        connection.execute("DELETE FROM markers WHERE at < ?1", [before(retention.hours)])?;
        connection.execute("DELETE FROM gaps WHERE ended < ?1", [before(retention.hours)])?;
        connection.execute(
            "DELETE FROM incidents WHERE closed_at < ?1",
            [jiff::Timestamp::from_millisecond(before(retention.hours)).unwrap_or_default().to_string()],
        )?;
        connection.execute("DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?1", [LETTERS])?;
        connection.execute("DELETE FROM owed WHERE at < ?1", [before(owed::NEWS)])?;
        while used(&connection)? > retention.bytes {
            if !make_room(&connection)? {
                break;
            }
        }
        // Both do their work while their rows are read.
        for pragma in ["PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            let mut statement = connection.prepare(pragma)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        }
        Ok(())
    }

    /// Returns the bytes that the timelines take.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        used(&self.connection())
    }
}

fn used(connection: &Connection) -> Result<u64, StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let bytes = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Removes some of the oldest of the finest; false when there is nothing left to remove.
fn make_room(connection: &Connection) -> Result<bool, StoreError> {
    let raw = connection
        .execute("DELETE FROM raw WHERE (series, at) IN (SELECT series, at FROM raw ORDER BY at LIMIT ?1)", [AT_ONCE])?;
    if raw > 0 {
        return Ok(true);
    }
    for step in [MINUTE, HOUR] {
        let rolled = connection.execute(
            "DELETE FROM rollups WHERE (step, series, at) IN (SELECT step, series, at FROM rollups WHERE step = ?1 ORDER BY at LIMIT ?2)",
            params![step, AT_ONCE],
        )?;
        if rolled > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
