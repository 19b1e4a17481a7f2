//! What differs between two releases.

use serde::{Deserialize, Serialize};

use super::{Digest, ReleaseId};

/// What differs between two releases, and between what an environment added to each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReleaseDiff {
    /// The one before.
    pub from: ReleaseId,
    /// The one after.
    pub to: ReleaseId,
    /// The commits between them.
    pub commits: Commits,
    /// Distributions that were added, removed, or have another version; none where a release does not say what it holds.
    pub packages: Option<Vec<Changed>>,
    /// Settings of the release and, where both were in the environment, of the placement, by their dotted keys.
    pub settings: Vec<Changed>,
    /// Secrets by name: added, removed or changed. Their values are not known here.
    pub secrets: Vec<Changed>,
    /// Migrations that only one of them knows.
    pub migrations: Vec<Changed>,
    /// Bytes of the images' own layers.
    pub image_size: (u64, u64),
    /// Digests of what the images stand on.
    pub base: (Option<Digest>, Option<Digest>),
    /// `MAJOR.MINOR` of the Python that they run.
    pub python: (String, String),
}

/// Something that is otherwise in another release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Changed {
    /// What.
    pub name: String,
    /// What it was; none when it was not there.
    pub before: Option<String>,
    /// What it is; none when it is there no more.
    pub after: Option<String>,
}

/// The commits between two releases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Commits {
    /// In the second and not in the first, the newest first.
    pub added: Vec<Commit>,
    /// In the first and not in the second.
    pub taken_back: Vec<Commit>,
    /// Why nothing is said about them.
    pub unknown: Option<String>,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// When, RFC 3339.
    pub at: String,
}
