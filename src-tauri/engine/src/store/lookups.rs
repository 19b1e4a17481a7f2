//! Single rows, as a page asks for them.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, from_json};
use crate::model::{ProjectName, Release, ReleaseId, RunId};

impl Store {
    /// Returns a release of a project, if it is known.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn release(&self, project: &ProjectName, release: &ReleaseId) -> Result<Option<Release>, StoreError> {
        let sql = "SELECT manifest FROM releases WHERE project = ?1 AND id = ?2";
        let connection = self.connection();
        let found: Option<String> = connection
            .prepare_cached(sql)?
            .query_row(params![project.as_str(), release.as_str()], |row| row.get(0))
            .optional()?;
        found.map(|manifest| from_json(&manifest)).transpose()
    }

    /// Returns the release of a project that was made before another one, if there is one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn release_before(&self, release: &Release) -> Result<Option<Release>, StoreError> {
        let sql = "SELECT manifest FROM releases WHERE project = ?1 AND id <> ?2 AND created_at <= ?3
                   ORDER BY created_at DESC, rowid DESC LIMIT 1";
        let connection = self.connection();
        let found: Option<String> = connection
            .prepare_cached(sql)?
            .query_row(params![release.project.as_str(), release.id.as_str(), release.created_at], |row| row.get(0))
            .optional()?;
        found.map(|manifest| from_json(&manifest)).transpose()
    }

    /// Lists the runs whose process, on this machine, is gone without having ended them. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn dead_runs(&self, alive: impl Fn(u32, u64) -> bool) -> Result<Vec<RunId>, StoreError> {
        let connection = self.connection();
        let mut find = connection.prepare_cached("SELECT id, pid, pid_started FROM runs WHERE state = 'running'")?;
        let running = find.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, i64>(2)?)))?;
        let running: Vec<_> = running.collect::<Result<_, _>>()?;
        let dead = running.into_iter().filter(|(_, pid, started)| !alive(*pid, started.unsigned_abs()));
        Ok(dead.map(|(id, ..)| RunId::new(id)).collect())
    }
}
