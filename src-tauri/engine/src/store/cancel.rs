//! A run is cancelled from another process by a row that its owner reads.

use rusqlite::params;

use super::{Store, StoreError};
use crate::model::RunId;

fn key(run: &RunId) -> String {
    format!("cancel:{}", run.as_str())
}

impl Store {
    /// Asks the process that owns a run to stop it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn want_cancelled(&self, run: &RunId) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, x'01') ON CONFLICT (key) DO NOTHING";
        self.connection().execute(sql, params![key(run)])?;
        Ok(())
    }

    /// Tells whether somebody asked that a run be stopped.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_cancel_wanted(&self, run: &RunId) -> Result<bool, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT 1 FROM meta WHERE key = ?1")?;
        Ok(statement.exists(params![key(run)])?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_run_is_asked_to_stop_and_no_other() {
        let store = Store::in_memory().unwrap();
        let (wanted, other) = (RunId::new("1"), RunId::new("2"));
        store.want_cancelled(&wanted).unwrap();
        store.want_cancelled(&wanted).unwrap();
        assert!(store.is_cancel_wanted(&wanted).unwrap());
        assert!(!store.is_cancel_wanted(&other).unwrap());
    }
}
