//! What is known about the tools' caches of projects, which lie on an engine.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, from_json, to_json};
use crate::model::ProjectName;

/// A project's caches, when they were last measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCache {
    /// Bytes.
    pub bytes: u64,
    /// When.
    pub at: Timestamp,
}

/// Time between two measurements: counting bytes takes a container.
const BETWEEN: SignedDuration = SignedDuration::from_hours(24);

/// Time after which nobody is likely to need them.
const UNUSED: SignedDuration = SignedDuration::from_hours(30 * 24);

const PREFIX: &str = "gate-cache:";

impl GateCache {
    /// Tells whether they are to be measured again.
    pub fn is_due(&self) -> bool {
        Timestamp::now().duration_since(self.at) > BETWEEN
    }

    /// Tells whether they were not used for so long that they can go.
    pub fn is_unused(&self) -> bool {
        Timestamp::now().duration_since(self.at) > UNUSED
    }
}

impl Store {
    /// Remembers how large a project's caches are now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remember_gate_cache(&self, project: &ProjectName, bytes: u64) -> Result<(), StoreError> {
        let value = to_json(&GateCache { bytes, at: Timestamp::now() })?;
        self.connection().execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![format!("{PREFIX}{project}"), value.into_bytes()],
        )?;
        Ok(())
    }

    /// Returns what is known about a project's caches.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gate_cache(&self, project: &ProjectName) -> Result<Option<GateCache>, StoreError> {
        let connection = self.connection();
        let value: Option<Vec<u8>> = connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [format!("{PREFIX}{project}")], |row| row.get(0))
            .optional()?;
        Ok(value.and_then(|value| from_json(&String::from_utf8_lossy(&value)).ok()))
    }

    /// Lists the caches that are known, by project.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gate_caches(&self) -> Result<Vec<(ProjectName, GateCache)>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT key, value FROM meta WHERE key LIKE 'gate-cache:%' ORDER BY key")?;
        let rows: Vec<(String, Vec<u8>)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let read = rows.into_iter().filter_map(|(key, value)| {
            let project = ProjectName::new(key.strip_prefix(PREFIX)?);
            Some((project, from_json(&String::from_utf8_lossy(&value)).ok()?))
        });
        Ok(read.collect())
    }

    /// Forgets a project's caches: they were removed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_gate_cache(&self, project: &ProjectName) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM meta WHERE key = ?1", [format!("{PREFIX}{project}")])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn caches_are_remembered_and_forgotten() {
        let store = Store::in_memory().unwrap();
        let shop = ProjectName::new("shop");
        assert_eq!(store.gate_cache(&shop).unwrap(), None);
        store.remember_gate_cache(&shop, 7).unwrap();
        store.remember_gate_cache(&shop, 8).unwrap();
        let known = store.gate_cache(&shop).unwrap().unwrap();
        assert_eq!((known.bytes, known.is_due(), known.is_unused()), (8, false, false));
        assert_eq!(store.gate_caches().unwrap(), [(shop.clone(), known.clone())]);
        let old = GateCache { at: known.at - SignedDuration::from_hours(25), ..known.clone() };
        assert!(old.is_due() && !old.is_unused());
        assert!(GateCache { at: known.at - SignedDuration::from_hours(800), ..known }.is_unused());
        store.forget_gate_cache(&shop).unwrap();
        assert!(store.gate_caches().unwrap().is_empty());
    }
}
