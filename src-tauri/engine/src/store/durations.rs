//! How long the tests of a gate take, for whoever decides how to run them the next time.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};
use crate::model::ProjectName;

impl Store {
    /// Adds up what the tests of a gate took when it last ran to its end, however many ran at a time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn work_of_tests(&self, project: &ProjectName, gate: &str) -> Result<Option<Duration>, StoreError> {
        let seconds: Option<Option<f64>> = self
            .connection()
            .query_row(
                "SELECT (SELECT SUM(duration_s) FROM test_results WHERE result = gate_results.id)
                 FROM gate_results
                 WHERE project = ?1 AND gate = ?2 AND EXISTS (SELECT 1 FROM test_results WHERE result = gate_results.id)
                 ORDER BY id DESC LIMIT 1",
                params![project.as_str(), gate],
                |row| row.get(0),
            )
            .optional()?;
        Ok(seconds.flatten().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }
}
