//! How long gates took, for whoever decides how to run them the next time.

use rusqlite::params;

use super::{Store, StoreError, from_json};
use crate::event::EventBody;
use crate::model::{GateReport, GateState, ProjectName};

/// Runs that are looked through.
const RUNS: u32 = 20;

impl Store {
    /// Finds what a gate said when it last ran to its end, green or red, in one of the latest runs.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_gate(&self, project: &ProjectName, gate: &str) -> Result<Option<GateReport>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT body FROM events
             WHERE run IN (SELECT id FROM runs WHERE project = ?1 ORDER BY started_at DESC LIMIT ?3)
               AND json_extract(body, '$.type') = 'gate_finished' AND json_extract(body, '$.data.gate') = ?2
             ORDER BY seq DESC",
        )?;
        let rows = statement.query_map(params![project.as_str(), gate, RUNS], |row| row.get::<_, String>(0))?;
        for row in rows {
            if let EventBody::GateFinished(report) = from_json(&row?)?
                && matches!(report.state, GateState::Green | GateState::Red)
            {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }
}
