//! What the engine is asked for, and what it answers.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::event::Update;
pub use crate::gauntlet::AfterRed;
use crate::model::{EnvironmentName, EnvironmentStatus, ProjectName, ReleaseId, RunId};
use crate::store::KnownProject;
use crate::target::Terminal;

/// What `ship` is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether a project without tests may go on.
    pub untested: Allow,
    /// Whether a dirty tree may go elsewhere than to `local`.
    pub dirty: Allow,
    /// Whether to wait for the bake.
    pub bake: Bake,
    /// Whether gates that were green with the same inputs run again.
    pub gates: Gates,
    /// What becomes of the other gates when one is red.
    pub after_red: AfterRed,
    /// Whether to wait for a look at the new instances.
    pub preview: Preview,
}

/// What `check` is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckRequest {
    /// Whether gates that were green with the same inputs run again.
    pub gates: Gates,
    /// What becomes of the other gates when one is red.
    pub after_red: AfterRed,
}

/// What a person says beside what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// What happens when another process holds the environment.
    pub held: WhenHeld,
    /// Why it is done, in the person's words; kept with the rollout.
    pub message: Option<String>,
    /// Whether a rollback goes to a release that does not know the database's migrations.
    pub anyway: Allow,
    /// What happens when a rollout cannot promise that no request is lost.
    pub consent: Consent,
}

/// What a run does when another process holds its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum WhenHeld {
    /// It is refused, and told by whom.
    #[default]
    Refuse,
    /// It waits until the other has done its work, or is dead.
    Wait,
}

/// Whether something that is refused by default may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Allow {
    /// It is refused.
    #[default]
    No,
    /// A person said that it may.
    Yes,
}

/// Whether a run waits for the bake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Bake {
    /// It does.
    #[default]
    Wait,
    /// Whoever starts next finishes it.
    Detach,
}

/// Whether a rollout that can be looked at before the switch waits for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Preview {
    /// It tells where the new instances answer, and goes on.
    #[default]
    Tell,
    /// It waits until somebody agrees.
    Ask,
}

/// What happens when a rollout cannot promise that no request is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// It is refused, unless nothing serves that could be lost.
    #[default]
    Refuse,
    /// Somebody is asked.
    Ask,
    /// It goes on.
    Given,
}

/// How somebody agrees to what a run asks for; stopping the run disagrees.
#[derive(Debug, Clone, Default)]
pub struct Approval(Arc<Notify>);

impl Approval {
    /// Agrees to what was asked last, or will be asked next.
    pub fn give(&self) {
        self.0.notify_one();
    }

    /// Returns when somebody agreed.
    pub async fn given(&self) {
        self.0.notified().await;
    }
}

/// Which gates run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Gates {
    /// Those whose inputs changed.
    #[default]
    Changed,
    /// All.
    All,
}

/// How a run ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The environment.
    pub environment: Option<EnvironmentName>,
    /// The release that was made or moved.
    pub release: Option<ReleaseId>,
    /// Where the app answers.
    pub url: Option<String>,
    /// What was done.
    pub done: Done,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Traffic moved to another release, or to fresh instances.
    Switched,
    /// Instances were added or removed, none replaced.
    Scaled,
    /// This very release serves with this very placement already.
    Nothing,
    /// Gates ran, nothing was moved.
    Checked,
    /// The environment was removed.
    Removed,
}

/// A run that goes on: what it tells, how it ends, and the way to stop it.
#[derive(Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it tells; closed when it has ended.
    pub updates: mpsc::Receiver<Update>,
    /// How it ended.
    pub outcome: oneshot::Receiver<Result<Outcome, EngineError>>,
    /// Stops it cleanly: what serves goes on serving.
    pub cancel: CancellationToken,
    /// Agrees to what it asks for.
    pub approval: Approval,
}

/// What `gc` found or removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Garbage {
    /// Each thing, in words, with its bytes.
    pub items: Vec<(String, u64)>,
    /// Bytes in all.
    pub bytes: u64,
}

/// Whether `gc` removes or only tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// It tells.
    Tell,
    /// It removes.
    Remove,
}

/// A project that was shipped from, or added to, this home.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProjectSummary {
    /// Its name.
    pub name: ProjectName,
    /// Its folder on this laptop.
    pub folder: PathBuf,
    /// Its environments, observed.
    pub environments: Vec<EnvironmentStatus>,
}

/// The projects of a home as it remembers them: at once, without asking what runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KnownProjects {
    /// The newest event's sequence number when they were read: what comes after it is news.
    pub seq: i64,
    /// By name.
    pub projects: Vec<KnownProject>,
}

/// Something changed in a home: look again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Change {
    /// The newest event's sequence number then. The same as before when something changed that is no event, such as a project's folder.
    pub seq: i64,
}

/// A command to run in the serving release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// What to run.
    pub command: Vec<String>,
    /// Whether a terminal is attached.
    pub terminal: Terminal,
}
