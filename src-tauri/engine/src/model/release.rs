//! Releases, placements and the evidence that a release was proven.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    AppSettings, BuilderKind, Digest, EnvironmentName, HealthCheck, Https, LockKind, Migrations, PinnedImage, ProcessName,
    ProjectName, ReleaseId, ReleaseSettings, Resources, SecretDelivery, Strictness,
};

/// An image digest + the settings common to all environments + the evidence that it passed the gauntlet. Never changed once made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Release {
    /// The first 12 hex digits of the sha256 of the canonical JSON of everything below.
    pub id: ReleaseId,
    /// Its project.
    pub project: ProjectName,
    /// The image.
    pub image: Digest,
    /// What the engine calls the image.
    pub engine_id: Digest,
    /// Processes, variables and volumes.
    pub app: AppSettings,
    /// What healthy means.
    pub health: HealthCheck,
    /// What is done before the first instance starts.
    pub settings: ReleaseSettings,
    /// What proves it.
    pub evidence: Evidence,
    /// When it was made, RFC 3339.
    pub created_at: String,
}

/// What proves a release. Stored for good: `format` changes when its shape does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Evidence {
    /// The shape's version.
    pub format: u32,
    /// The source that was built.
    pub source: SourceState,
    /// The lock's kind.
    pub lock_kind: Option<LockKind>,
    /// sha256 of the lock file.
    pub lock_digest: Option<Digest>,
    /// How strict the lock was taken.
    pub lock_strictness: Strictness,
    /// Warnings of the lock that were let pass.
    pub lock_warnings: Vec<String>,
    /// Who built the image.
    pub builder: BuilderKind,
    /// What the image stands on.
    pub base: Option<PinnedImage>,
    /// Bytes of the image's own layers.
    pub image_size: u64,
    /// Every gate.
    pub gates: Vec<GateEvidence>,
    /// The images that they ran in.
    #[serde(default)]
    pub gate_images: Vec<GateImageEvidence>,
    /// True when there were no tests and a person let it pass.
    pub untested: bool,
    /// The distributions that the lock puts into the image, by name. Since format 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<PackageEvidence>,
    /// The migrations that the source knows. Since format 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migrations>,
}

/// A distribution that the lock puts into the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PackageEvidence {
    /// Its normalized name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The state of the source when it was built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SourceState {
    /// The commit, when the project is in a Git repository.
    pub commit: Option<String>,
    /// The branch, when one is checked out.
    pub branch: Option<String>,
    /// True when files differ from the commit, or there is none.
    pub dirty: bool,
}

/// How one gate ended, as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateEvidence {
    /// The gate.
    pub gate: String,
    /// `green`, `red`, `error`, `skipped`, `not set up`.
    pub state: String,
    /// The tool and its version.
    pub tool: Option<String>,
    /// Tests that passed, when it runs tests.
    pub tests_passed: Option<u32>,
    /// What the engine calls the image that it ran in; one of [`Evidence::gate_images`].
    #[serde(default)]
    pub image: Option<Digest>,
}

/// What an image of gates was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateImageEvidence {
    /// What the engine calls it.
    pub image: Digest,
    /// The release's image, whose layers are its lowest ones.
    pub release_image: Digest,
    /// Diff ids of the release image's layers, the lowest first.
    pub release_layers: Vec<Digest>,
    /// Diff ids of the layers above: tools, tests, the tools' configuration.
    pub development_layers: Vec<Digest>,
}

/// What one environment adds to a release, recorded per rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Placement {
    /// The environment.
    pub environment: EnvironmentName,
    /// The public host name.
    pub domain: String,
    /// How requests reach it by HTTPS.
    #[serde(default)]
    pub https: Https,
    /// Instances of each process.
    pub replicas: BTreeMap<ProcessName, u16>,
    /// Variables, secrets not among them.
    pub env: BTreeMap<String, String>,
    /// Secrets by name, each with the keyed hash of its value.
    pub secrets: BTreeMap<String, String>,
    /// How secrets reach instances.
    pub secret_delivery: SecretDelivery,
    /// Services that are kept here.
    pub services: Vec<String>,
    /// Limits of each instance.
    pub resources: Resources,
}
