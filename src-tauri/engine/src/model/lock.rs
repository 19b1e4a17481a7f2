//! What is known about a project's lock file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Digest;

/// The kinds of lock file that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LockKind {
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`.
    Poetry,
    /// `pylock.toml` (PEP 751).
    Pylock,
    /// `requirements.txt` with hashes.
    Requirements,
}

/// What happens to a dependency that the lock does not pin by hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// It is an error.
    #[default]
    Refuse,
    /// It is a warning, recorded in the evidence.
    Warn,
}

/// The result of the `lock` stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LockReport {
    /// The lock file, relative to the project (or above it, for a workspace's member).
    pub file: PathBuf,
    /// Its kind.
    pub kind: LockKind,
    /// sha256 of its bytes.
    pub digest: Digest,
    /// How many packages it pins.
    pub packages: u32,
    /// Whether freshness was proven, or only not disproved.
    pub proven: bool,
    /// What is wrong with it; empty when nothing is.
    pub findings: Vec<LockFinding>,
}

/// One thing that is wrong with a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LockFinding {
    /// What kind of thing.
    pub situation: LockSituation,
    /// The sentence for people.
    pub message: String,
    /// The command or change that mends it.
    pub hint: String,
}

/// The kinds of things that can be wrong with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LockSituation {
    /// There is none.
    Missing,
    /// It was made for another manifest.
    Stale,
    /// A dependency has no exact version.
    Unpinned,
    /// A dependency has no hash.
    Unhashed,
    /// Something that a lock must not hold, such as an editable or a plain URL.
    Unsafe,
    /// Its format is too old, too new or broken.
    Unreadable,
}
