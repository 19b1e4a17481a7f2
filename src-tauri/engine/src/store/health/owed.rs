//! Notices that somebody is still to be told of: written before they are told, so that whoever watches next tells what a process that died
//! did not.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::HealthStore;
use crate::model::Notice;
use crate::store::{StoreError, from_json, to_json};

/// What was not told for so long is no news any more.
pub const NEWS: Duration = Duration::from_hours(24);

/// A notice, and one way that it is to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    /// Which.
    pub id: String,
    /// The webhook that is to take it; none is the desktop.
    pub webhook: Option<String>,
    /// What is told.
    pub notice: Notice,
}

impl HealthStore {
    /// Keeps notices until they are told.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn owe(&self, owed: &[Owed]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        write(&transaction, owed)?;
        Ok(transaction.commit()?)
    }

    /// Keeps notices until they are told, with the event of the journal up to which there are none besides: both or neither.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn owe_up_to(&self, owed: &[Owed], seq: i64) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        write(&transaction, owed)?;
        transaction.execute("INSERT INTO told (one, seq) VALUES (1, ?1) ON CONFLICT DO UPDATE SET seq = excluded.seq", [seq])?;
        Ok(transaction.commit()?)
    }

    /// Returns the event of the journal up to which people were told how rollouts ended; none before the first time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn told_up_to(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.connection().query_row("SELECT seq FROM told", [], |row| row.get(0)).optional()?)
    }

    /// A notice was told, or nobody is to be told any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn settle(&self, id: &str) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM owed WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Lists what is still to be told and is still news, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn owed(&self) -> Result<Vec<Owed>, StoreError> {
        let connection = self.connection();
        let since = jiff::Timestamp::now().as_millisecond() - i64::try_from(NEWS.as_millis()).unwrap_or(i64::MAX);
        let mut statement = connection.prepare_cached("SELECT id, webhook, notice FROM owed WHERE at >= ?1 ORDER BY id")?;
        let rows = statement.query_map([since], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
        rows.map(|row| {
            let (id, webhook, notice) = row?;
            Ok(Owed { id, webhook, notice: from_json(&notice)? })
        })
        .collect()
    }
}

pub(super) fn write(connection: &Connection, owed: &[Owed]) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare_cached("INSERT OR IGNORE INTO owed (id, at, webhook, notice) VALUES (?1, ?2, ?3, ?4)")?;
    let at = jiff::Timestamp::now().as_millisecond();
    for Owed { id, webhook, notice } in owed {
        statement.execute(params![id, at, webhook, to_json(notice)?])?;
    }
    Ok(())
}
