//! Gauntlets that were green, by everything that they depend on.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, from_json, now, to_json};
use crate::model::{GateReport, ProjectName};

impl Store {
    /// Records a gauntlet without a red gate.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record_proof(&self, key: &str, project: &ProjectName, reports: &[GateReport]) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO proofs (key, project, at, reports) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET at = excluded.at, reports = excluded.reports",
            params![key, project.as_str(), now(), to_json(&reports)?],
        )?;
        Ok(())
    }

    /// Finds a gauntlet of the same inputs: when it ran and what it said.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proof(&self, key: &str) -> Result<Option<(String, Vec<GateReport>)>, StoreError> {
        let row = self
            .connection()
            .query_row("SELECT at, reports FROM proofs WHERE key = ?1", [key], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        row.map(|(at, reports)| Ok((at, from_json(&reports)?))).transpose()
    }
}
