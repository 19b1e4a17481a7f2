//! What was measured of environments: samples, roll-ups, markers, gaps, incidents, and notices that are still to be told or that nobody took.
//!
//! A database of its own, `health.db`, so that measuring never stands in the way of the journal.

mod incidents;
mod letters;
mod owed;
mod query;
mod retain;
mod sketch;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use super::open::open;

pub use owed::{NEWS, Owed};
pub use retain::Retention;
pub use write::Measured;

/// Each migration once, in order; its place is the version that it leads to. Published ones are never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_timelines.sql"),
    include_str!("migrations/0002_owed.sql"),
    include_str!("migrations/0003_told.sql"),
];

/// Milliseconds of the finer roll-up.
const MINUTE: i64 = 60_000;
/// Milliseconds of the coarser one.
const HOUR: i64 = 3_600_000;

/// The timelines of a home. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HealthStore {
    connection: Arc<Mutex<Connection>>,
}

impl HealthStore {
    /// Opens `health.db` in a folder, making both as needed.
    ///
    /// # Errors
    /// When the folder cannot be used, the file is no database, or a newer version wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: Arc::new(Mutex::new(open(folder, "health.db", MIGRATIONS)?)) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back; the connection itself is whole.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;
