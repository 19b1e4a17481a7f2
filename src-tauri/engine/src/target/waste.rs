//! What nothing needs any more.

use std::collections::BTreeSet;

use crate::model::{Digest, ProjectName};

/// What a search for garbage leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Only things of these projects are looked at: another laptop's projects live on the same engine.
    pub projects: BTreeSet<ProjectName>,
    /// Images that stay, as the engine calls them: those of releases that are ready for a rollback.
    pub images: BTreeSet<Digest>,
}

/// Something of ours that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// What it is.
    pub kind: WasteKind,
    /// The engine's id of it.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// Bytes that its removal frees; layers that something else needs do not count.
    pub bytes: u64,
}

/// What kind of thing is waste. Volumes with data never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WasteKind {
    /// An image of a release that is neither kept nor used.
    Image,
    /// A container that a process left when it died.
    Container,
    /// The network of an environment that is gone.
    Network,
    /// A volume that delivered secrets to an instance that is gone.
    SecretVolume,
}

impl WasteKind {
    /// Returns its name as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Container => "container",
            Self::Network => "network",
            Self::SecretVolume => "secret volume",
        }
    }
}
