//! Facts, appended and never changed.

use rusqlite::{Connection, params};

use super::{Store, StoreError, from_json, now, to_json};
use crate::event::{Event, EventBody};
use crate::model::{ProjectName, RunId};

/// The version of an event's JSON shape.
const EVENT_SHAPE: u32 = 1;

/// Appends an event inside a transaction that changes the state that it describes.
pub(super) fn append(connection: &Connection, project: &ProjectName, run: &RunId, body: EventBody) -> Result<Event, StoreError> {
    let at = now();
    connection.execute(
        "INSERT INTO events (at, project, run, body) VALUES (?1, ?2, ?3, ?4)",
        params![at, project.as_str(), run.as_str(), to_json(&body)?],
    )?;
    Ok(Event { v: EVENT_SHAPE, seq: connection.last_insert_rowid(), at, project: project.clone(), run: run.clone(), body })
}

impl Store {
    /// Appends a fact that changes no other state.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn append(&self, project: &ProjectName, run: &RunId, body: EventBody) -> Result<Event, StoreError> {
        append(&self.connection(), project, run, body)
    }

    /// Reads the events after a sequence number, at most `limit`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events_after(&self, seq: i64, run: Option<&RunId>, limit: u32) -> Result<Vec<Event>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT seq, at, project, run, body FROM events WHERE seq > ?1 AND (?2 IS NULL OR run = ?2) ORDER BY seq LIMIT ?3",
        )?;
        let rows = statement.query_map(params![seq, run.map(RunId::as_str), limit], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        })?;
        rows.map(|row| {
            let (seq, at, project, run, body) = row?;
            Ok(Event {
                v: EVENT_SHAPE,
                seq,
                at,
                project: ProjectName::new(project),
                run: RunId::new(run),
                body: from_json(&body)?,
            })
        })
        .collect()
    }
}
