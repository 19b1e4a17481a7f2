//! Notices that somebody is still to be told of: written before they are told, so that whoever watches next tells what a process that died
//! did not.

use rusqlite::{Connection, params};

use super::HealthStore;
use crate::model::Notice;
use crate::store::{StoreError, from_json, to_json};

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
        write(&self.connection(), owed)
    }

    /// A notice was told, or nobody is to be told any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn settle(&self, id: &str) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM owed WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Lists what is still to be told, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn owed(&self) -> Result<Vec<Owed>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT id, webhook, notice FROM owed ORDER BY at, id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
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
    for Owed { id, webhook, notice } in owed {
        let at = jiff::Timestamp::now().as_millisecond();
        statement.execute(params![id, at, webhook, to_json(notice)?])?;
    }
    Ok(())
}
