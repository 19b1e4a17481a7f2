//! Forgetting: the oldest blocks go first once a project's file is over its budget.

use rusqlite::Connection;

use super::LogStore;
use crate::store::StoreError;

/// Minutes whose pace is kept, in nanoseconds.
const PACE: i64 = 7 * 24 * 3600 * 1_000_000_000;
/// Instances that are remembered although nothing of them is kept any more: the engine may still have what they printed.
const SOURCES: i64 = 10_000;
/// Part of the budget that is made free at once, so that not every block makes room for itself.
const STEP: u64 = 64;

/// Removes the oldest blocks until the rest fits.
pub(super) fn fit(connection: &Connection, budget: u64) -> Result<(), StoreError> {
    if used(connection)? <= budget {
        return Ok(());
    }
    let aim = budget - budget / STEP;
    loop {
        let mut oldest = connection.prepare_cached(
            "DELETE FROM blocks WHERE id IN (SELECT id FROM blocks ORDER BY id LIMIT 8) AND id <> (SELECT max(id) FROM blocks)",
        )?;
        if oldest.execute([])? == 0 || used(connection)? <= aim {
            break;
        }
    }
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
    connection.execute("DELETE FROM minutes WHERE at < (SELECT min(max(at), ?2) FROM minutes) - ?1", [PACE, now])?;
    connection.execute("DELETE FROM sources WHERE id <= (SELECT max(id) FROM sources) - ?1", [SOURCES])?;
    Ok(())
}

/// Gives freed pages back to the disk.
pub(super) fn give_back(connection: &Connection) -> Result<(), StoreError> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    // Few of them are used again at once.
    if free > 256 {
        let mut statement = connection.prepare_cached("PRAGMA incremental_vacuum")?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

fn used(connection: &Connection) -> Result<u64, StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let bytes = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

impl LogStore {
    /// Returns the bytes that are used.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        used(&self.connection())
    }
}
