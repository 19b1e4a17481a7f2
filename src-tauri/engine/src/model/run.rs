//! Executions of the pipeline.

use serde::{Deserialize, Serialize};

use super::{EnvironmentName, ProjectName, ReleaseId, RunId};

/// A stage of the pipeline, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finds out what the project is.
    Inspect,
    /// Proves the lock.
    Lock,
    /// Makes the image.
    Build,
    /// Runs the gates.
    Gauntlet,
    /// Puts the image where the target can pull it.
    Publish,
    /// Applies the environment's infrastructure.
    Provision,
    /// Moves the environment to the release.
    Rollout,
    /// Watches the new release with the old one still warm.
    Bake,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 8] =
        [Self::Inspect, Self::Lock, Self::Build, Self::Gauntlet, Self::Publish, Self::Provision, Self::Rollout, Self::Bake];

    /// Returns the stage's name as it is written in JSON and shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Lock => "lock",
            Self::Build => "build",
            Self::Gauntlet => "gauntlet",
            Self::Publish => "publish",
            Self::Provision => "provision",
            Self::Rollout => "rollout",
            Self::Bake => "bake",
        }
    }
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StageState {
    /// It did its work.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// It was not needed.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It failed, and the pipeline with it.
    Failed,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Running,
    /// It did what was asked.
    Succeeded,
    /// It did not.
    Failed,
    /// A person stopped it.
    Cancelled,
    /// Its process ended without a word; found at a later start.
    Abandoned,
}

/// One run, as the history lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The project.
    pub project: ProjectName,
    /// The environment, when it has one.
    pub environment: Option<EnvironmentName>,
    /// What was asked: `ship`, `check`, `rollback`, `restart`, `down`, …
    pub verb: String,
    /// How it stands.
    pub state: RunState,
    /// The release that it made or moved.
    pub release: Option<ReleaseId>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub finished_at: Option<String>,
    /// Who asked: `user@host`.
    pub by: String,
}

/// Where a line of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of output of a build, gate, one-off container or instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogLine {
    /// What printed it: `build`, a gate's name, an instance's name.
    pub source: String,
    /// Where it came from.
    pub stream: LogStream,
    /// When the engine saw it, RFC 3339, when known.
    pub at: Option<String>,
    /// The line, without its end.
    pub text: String,
}
