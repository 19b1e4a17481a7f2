//! What instances printed: one database for each project in the folder `logs`, of sealed, compressed blocks and a small open tail.
//!
//! How far a stream was read is written in the transaction that writes its lines: whoever reads on from there, after whatever end of
//! whatever process, neither loses a line nor keeps one twice.

mod block;
mod exceptions;
mod query;
mod retain;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

use super::StoreError;
use super::open::open;
use crate::model::ProjectName;

pub use exceptions::News;
pub use query::{Kept, Position};
pub use write::{Appended, Batch, Source};

/// Each migration once, in order; its place is the version that it leads to. Published ones are never edited.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_logs.sql"), include_str!("migrations/0002_told.sql")];

/// The kept output of one project. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogStore {
    connection: Arc<Mutex<Connection>>,
}

impl LogStore {
    /// Opens a project's database in a home's folder, making both as needed.
    ///
    /// # Errors
    /// When the folder cannot be used, the file is no database, or a newer version wrote it.
    pub fn open(home: &Path, project: &ProjectName) -> Result<Self, StoreError> {
        let connection = open(&home.join("logs"), &format!("{project}.db"), MIGRATIONS)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Tells whether anything of a project was ever kept.
    pub fn exists(home: &Path, project: &ProjectName) -> bool {
        home.join("logs").join(format!("{project}.db")).is_file()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back; the connection itself is whole.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as it is told: RFC 3339 with nanoseconds.
pub fn told_time(at: i64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

#[cfg(test)]
mod tests;
