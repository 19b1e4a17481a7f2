//! Projects of this home, and the home's own keys.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, now};
use crate::model::ProjectName;

/// A project and where it is on this laptop.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KnownProject {
    /// Its name.
    pub name: ProjectName,
    /// Its folder.
    pub folder: PathBuf,
}

impl Store {
    /// Remembers a project's folder.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_project(&self, name: &ProjectName, folder: &Path) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO projects (name, folder, added_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET folder = excluded.folder
             WHERE folder <> excluded.folder",
            params![name.as_str(), folder.to_string_lossy(), now()],
        )?;
        Ok(())
    }

    /// Forgets a project's folder; its history stays.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_project(&self, name: &ProjectName) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM projects WHERE name = ?1", [name.as_str()])?;
        Ok(())
    }

    /// Lists the projects by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn projects(&self) -> Result<Vec<KnownProject>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT name, folder FROM projects ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            Ok(KnownProject { name: ProjectName::new(row.get::<_, String>(0)?), folder: PathBuf::from(row.get::<_, String>(1)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns the key that this home hashes secrets' values with, making it at the first call.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn hash_key(&self) -> Result<[u8; 64], StoreError> {
        let connection = self.connection();
        connection
            .execute("INSERT INTO meta (key, value) VALUES ('hash_key', randomblob(64)) ON CONFLICT (key) DO NOTHING", [])?;
        let stored: Option<Vec<u8>> =
            connection.query_row("SELECT value FROM meta WHERE key = 'hash_key'", [], |row| row.get(0)).optional()?;
        stored
            .and_then(|bytes| <[u8; 64]>::try_from(bytes).ok())
            .ok_or_else(|| StoreError::Shape { reason: "the hash key is not 64 bytes".into() })
    }
}
