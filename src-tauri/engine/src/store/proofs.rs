//! Gates that were green, by everything that they depend on.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, from_json, now, to_json};
use crate::model::{GateImageEvidence, GateReport, ProjectName};

/// A gate that was green.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// What it said.
    pub report: GateReport,
    /// What it ran in.
    pub image: GateImageEvidence,
}

/// Proofs of a project that are kept; older ones are forgotten.
const KEPT: u32 = 500;

impl Store {
    /// Records a gate that was green.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn record_proof(&self, key: &str, project: &ProjectName, proof: &Proof) -> Result<(), StoreError> {
        let connection = self.connection();
        connection.execute(
            "INSERT INTO proofs (key, project, at, reports) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET at = excluded.at, reports = excluded.reports",
            params![key, project.as_str(), now(), to_json(proof)?],
        )?;
        connection.execute(
            "DELETE FROM proofs WHERE project = ?1 AND rowid NOT IN
             (SELECT rowid FROM proofs WHERE project = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)",
            params![project.as_str(), KEPT],
        )?;
        Ok(())
    }

    /// Finds a gate that was green with the same inputs: when it ran, and what it said.
    ///
    /// A record that an older version wrote in another shape counts as none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proof(&self, key: &str) -> Result<Option<(String, Proof)>, StoreError> {
        let row = self
            .connection()
            .query_row("SELECT at, reports FROM proofs WHERE key = ?1", [key], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        Ok(row.and_then(|(at, proof)| Some((at, from_json(&proof).ok()?))))
    }
}
