//! Incidents of environments.

use rusqlite::{OptionalExtension, params};

use super::{HealthStore, Owed, owed};
use crate::model::Incident;
use crate::store::{StoreError, from_json, to_json};
use crate::target::Place;

impl HealthStore {
    /// Writes an incident, a new one or how one went on, and at the same time what is to be told of it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_incident(&self, incident: &Incident, told: &[Owed]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO incidents (id, project, environment, opened_at, closed_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET closed_at = excluded.closed_at, body = excluded.body",
            params![
                incident.id,
                incident.project.as_str(),
                incident.environment.as_str(),
                incident.opened_at,
                incident.closed_at,
                to_json(incident)?
            ],
        )?;
        owed::write(&transaction, told)?;
        Ok(transaction.commit()?)
    }

    /// Returns the incident of an environment that has no end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_incident(&self, place: &Place) -> Result<Option<Incident>, StoreError> {
        let body: Option<String> = self
            .connection()
            .query_row(
                "SELECT body FROM incidents WHERE project = ?1 AND environment = ?2 AND closed_at IS NULL ORDER BY opened_at DESC LIMIT 1",
                params![place.project.as_str(), place.environment.as_str()],
                |row| row.get(0),
            )
            .optional()?;
        body.map(|body| from_json(&body)).transpose()
    }

    /// Lists the incidents of an environment that touch a span (RFC 3339), the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn incidents(&self, place: &Place, from: &str, to: &str) -> Result<Vec<Incident>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT body FROM incidents WHERE project = ?1 AND environment = ?2 AND opened_at < ?4
             AND (closed_at IS NULL OR closed_at > ?3) ORDER BY opened_at DESC LIMIT 500",
        )?;
        let rows = statement
            .query_map(params![place.project.as_str(), place.environment.as_str(), from, to], |row| row.get::<_, String>(0))?;
        rows.map(|body| from_json(&body?)).collect()
    }
}
