//! What a vault keeps, as it is written, and what may be told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mask::Secret;
use crate::model::{SecretEntry, SecretScope, SecretSource};
use crate::process;
use crate::store::now;

/// Everything of one vault.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Contents {
    /// Its shape.
    pub v: u32,
    /// By whom they are for, then by name.
    pub entries: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// One secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub kept: Kept,
    /// Grows with each change.
    pub version: u32,
    /// When it was changed last (RFC 3339).
    pub changed_at: String,
    /// Who changed it.
    pub by: String,
}

/// A value, or how to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The value itself.
    Value(#[serde(with = "plain")] Secret),
    /// A command that prints it.
    Command(String),
}

impl Default for Contents {
    fn default() -> Self {
        Self { v: 1, entries: BTreeMap::new() }
    }
}

impl Contents {
    /// Returns what a place is given under a name: its own before that of every environment.
    pub fn find(&self, scope: &SecretScope, name: &str) -> Option<&Entry> {
        let of = |scope: &SecretScope| self.entries.get(&scope.key()).and_then(|entries| entries.get(name));
        of(scope).or_else(|| of(&SecretScope::Every))
    }

    /// Keeps something under a name; returns its version.
    pub fn set(&mut self, scope: &SecretScope, name: &str, kept: Kept) -> u32 {
        let entries = self.entries.entry(scope.key()).or_default();
        let version = entries.get(name).map_or(1, |entry| entry.version.saturating_add(1));
        entries.insert(name.to_owned(), Entry { kept, version, changed_at: now(), by: process::who() });
        version
    }

    /// Forgets a name; tells whether it was there.
    pub fn unset(&mut self, scope: &SecretScope, name: &str) -> bool {
        let Some(entries) = self.entries.get_mut(&scope.key()) else { return false };
        let was = entries.remove(name).is_some();
        if entries.is_empty() {
            self.entries.remove(&scope.key());
        }
        was
    }

    /// Returns what may be told of it.
    pub fn outline(&self) -> Vec<SecretEntry> {
        let entries =
            self.entries.iter().flat_map(|(scope, entries)| entries.iter().map(move |(name, entry)| (scope, name, entry)));
        let told = entries.map(|(scope, name, entry)| SecretEntry {
            name: name.clone(),
            scope: SecretScope::of_key(scope),
            source: match entry.kept {
                Kept::Value(_) => SecretSource::Value,
                Kept::Command(_) => SecretSource::Command,
            },
            version: entry.version,
            changed_at: entry.changed_at.clone(),
            by: entry.by.clone(),
        });
        told.collect()
    }
}

/// Writes a value in the open: only into what is encrypted.
mod plain {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::mask::Secret;

    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.reveal())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}
