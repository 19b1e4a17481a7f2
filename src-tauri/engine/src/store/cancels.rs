//! Runs that somebody else asked to stop: the owner of a run reads it, and stops.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, now};
use crate::model::RunId;

fn key(run: &RunId) -> String {
    format!("cancel:{run}")
}

impl Store {
    /// Asks whoever owns a run to stop it; says whether it was running.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn ask_to_cancel(&self, run: &RunId) -> Result<bool, StoreError> {
        let asked = self.connection().execute(
            "INSERT INTO meta (key, value) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?3 AND state = 'running')
             ON CONFLICT (key) DO NOTHING",
            params![key(run), now().into_bytes(), run.as_str()],
        )?;
        Ok(asked > 0 || self.is_asked_to_cancel(run)?)
    }

    /// Tells whether somebody asked to stop a run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_asked_to_cancel(&self, run: &RunId) -> Result<bool, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT 1 FROM meta WHERE key = ?1")?;
        Ok(statement.query_row([key(run)], |_| Ok(())).optional()?.is_some())
    }

    /// Forgets that somebody asked: the run has ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_cancel(&self, run: &RunId) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM meta WHERE key = ?1", [key(run)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{ProjectName, RunRecord, RunState};

    #[test]
    fn only_a_running_run_can_be_asked() {
        let store = Store::in_memory().unwrap();
        let run = RunId::generate();
        assert!(!store.ask_to_cancel(&run).unwrap());
        let record = RunRecord {
            id: run.clone(),
            project: ProjectName::new("shop"),
            environment: None,
            verb: "check".into(),
            state: RunState::Running,
            release: None,
            started_at: now(),
            finished_at: None,
            by: "me@here".into(),
        };
        store.begin_run(&record).unwrap();
        assert!(!store.is_asked_to_cancel(&run).unwrap());
        assert!(store.ask_to_cancel(&run).unwrap());
        assert!(store.ask_to_cancel(&run).unwrap(), "twice is the same");
        assert!(store.is_asked_to_cancel(&run).unwrap());
        store.forget_cancel(&run).unwrap();
        assert!(!store.is_asked_to_cancel(&run).unwrap());
    }
}
