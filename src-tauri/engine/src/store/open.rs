//! Opens the database, makes it if it is not there, and brings an older one up to date.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::Store;

/// Each migration once, in order; its place is the version that it leads to. Published ones are never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_history.sql"),
    include_str!("migrations/0002_results.sql"),
    include_str!("migrations/0003_diagnosis.sql"),
    include_str!("migrations/0004_history.sql"),
    include_str!("migrations/0005_processes.sql"),
];

/// The file of the home that remembers projects, runs and releases.
const HISTORY: &str = "state.db";

/// Why the memory of a home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or written.
    #[error("the data folder {} cannot be used: {reason}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The database was written by a newer Nonevent.
    #[error("{} was written by a newer version of Nonevent (schema {found}, this one knows {known})", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known version.
        known: u32,
    },
    /// A file is no database, or cannot be opened as one.
    #[error("{} cannot be opened: {error}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        error: rusqlite::Error,
    },
    /// SQLite refused.
    #[error("the database cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row does not have the shape that it should have.
    #[error("a row of the database has an unknown shape: {reason}")]
    Shape {
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        if let Self::Database(error) | Self::Unusable { error, .. } = self
            && let Some(hint) = of_the_system(error)
        {
            return Some(hint.into());
        }
        match self {
            Self::Folder { .. } => Some("make it writable, or point NONEVENT_HOME at another folder".into()),
            Self::Newer { .. } => Some("install the newer version, or point NONEVENT_HOME at another folder".into()),
            Self::Unusable { file, .. } if file.file_name().is_some_and(|name| name != HISTORY) => {
                Some("move it aside: what was kept in it goes with it, and is gathered anew from then on".into())
            }
            Self::Unusable { .. } | Self::Database(_) | Self::Shape { .. } => {
                Some("what serves is safe on the target: move the file aside and run `nonevent recover`".into())
            }
        }
    }
}

/// What helps where the file itself is sound.
fn of_the_system(error: &rusqlite::Error) -> Option<&'static str> {
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => "free some disk space",
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            "make it and its folder writable, or point NONEVENT_HOME at another folder"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => "another process holds it: try again when that is done",
        ErrorCode::SystemIoFailure => "the disk did not read or write it: see what the system's log says of it",
        _ => return None,
    })
}

impl Store {
    /// Opens `state.db` in a folder, making both as needed.
    ///
    /// # Errors
    /// When the folder cannot be used, the file is no database, or a newer version wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self::on(open(folder, HISTORY, MIGRATIONS)?))
    }

    /// Opens a database that lives in memory only.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self::on(migrate(Connection::open_in_memory()?, Path::new(":memory:"), MIGRATIONS)?))
    }

    fn on(connection: Connection) -> Self {
        Self { connection: Arc::new(Mutex::new(connection)) }
    }
}

/// Opens a file in a folder, making both as needed, and brings it up to date with its migrations.
pub(super) fn open(folder: &Path, name: &str, migrations: &[&str]) -> Result<Connection, StoreError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| StoreError::Folder { folder: folder.to_owned(), reason: error.to_string() })?;
    let file = folder.join(name);
    let opened = || {
        let connection = Connection::open(&file)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // Only a file that holds nothing yet takes this: freed pages go back to the disk.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    };
    let connection = opened().map_err(|error| StoreError::Unusable { file: file.clone(), error })?;
    migrate(connection, &file, migrations)
}

fn migrate(mut connection: Connection, file: &Path, migrations: &[&str]) -> Result<Connection, StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if version > known {
        return Err(StoreError::Newer { file: file.to_owned(), found: version, known });
    }
    if version < known {
        // Two processes may open a new home at once: the second waits here and then finds nothing left to do.
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for migration in migrations.iter().skip(version as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()?;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_home_opens_twice_and_a_newer_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Store::open(folder.path()).unwrap();
        let again = Store::open(folder.path()).unwrap();
        again.connection().pragma_update(None, "user_version", 99).unwrap();
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (name, hint) in [(HISTORY, "nonevent recover"), ("health.db", "gathered anew")] {
            let file = folder.path().join(name);
            std::fs::write(&file, "this is a letter, not a database, and longer than a header of SQLite".repeat(20)).unwrap();
            let error = open(folder.path(), name, MIGRATIONS).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{} cannot be opened: ", file.display())), "{error}");
            assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
            assert!(std::fs::read_to_string(&file).unwrap().starts_with("this is a letter"));
        }
    }

    #[test]
    fn nobody_is_told_to_move_a_sound_file_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let other = Store::open(folder.path()).unwrap();
        other.connection().busy_timeout(Duration::ZERO).unwrap();
        store.connection().execute_batch("BEGIN IMMEDIATE").unwrap();
        let held = other.remember_project(&"shop".into(), folder.path()).unwrap_err();
        assert!(held.hint().unwrap().starts_with("another process holds it"), "{held}: {:?}", held.hint());
        store.connection().execute_batch("COMMIT; PRAGMA query_only = true").unwrap();
        let refused = store.remember_project(&"shop".into(), folder.path()).unwrap_err();
        assert!(refused.hint().unwrap().contains("writable"), "{refused}: {:?}", refused.hint());
    }
}
