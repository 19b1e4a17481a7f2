//! Releases: written once.

use rusqlite::params;

use super::{Store, StoreError, from_json, to_json};
use crate::model::{ProjectName, Release};

impl Store {
    /// Remembers a release; one of the same id stays as it is. Tells whether it was not known.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_release(&self, release: &Release) -> Result<bool, StoreError> {
        let written = self.connection().execute(
            "INSERT INTO releases (id, project, created_at, manifest) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
            params![release.id.as_str(), release.project.as_str(), release.created_at, to_json(release)?],
        )?;
        Ok(written > 0)
    }

    /// Lists a project's releases, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn releases(&self, project: &ProjectName) -> Result<Vec<Release>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT manifest FROM releases WHERE project = ?1 ORDER BY created_at DESC, rowid DESC")?;
        let rows = statement.query_map([project.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|manifest| from_json(&manifest?)).collect()
    }

    /// Lists every release of this home, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn all_releases(&self) -> Result<Vec<Release>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT manifest FROM releases ORDER BY created_at DESC, rowid DESC")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|manifest| from_json(&manifest?)).collect()
    }
}
