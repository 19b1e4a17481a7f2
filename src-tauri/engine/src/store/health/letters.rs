//! Notices that no webhook took.

use rusqlite::params;

use super::HealthStore;
use crate::model::{DeadLetter, Notice, ProjectName};
use crate::store::{StoreError, from_json, now, to_json};

impl HealthStore {
    /// Keeps a notice that a webhook never took.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn bury(&self, project: &ProjectName, webhook: &str, notice: &Notice, reason: &str) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO dead_letters (at, project, webhook, notice, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![now(), project.as_str(), webhook, to_json(notice)?, reason],
        )?;
        Ok(())
    }

    /// Lists the notices that no webhook took, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn dead_letters(&self, project: &ProjectName, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, at, project, webhook, notice, reason FROM dead_letters WHERE project = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![project.as_str(), limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?, row.get::<_, String>(4)?, row.get(5)?))
        })?;
        rows.map(|row| {
            let (id, at, project, webhook, notice, reason) = row?;
            Ok(DeadLetter { id, at, project: ProjectName::new(project), webhook, notice: from_json(&notice)?, reason })
        })
        .collect()
    }
}
