//! Rollouts: what one will do, what it does, and what an environment is.

use serde::{Deserialize, Serialize};

use super::{
    Diagnosis, EnvironmentName, HealthState, Instance, Placement, ProcessName, ProjectName, ReleaseId, RolloutId, RunId, Strategy,
};

/// Why a rollout was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RolloutReason {
    /// A new release, or a changed placement.
    Ship,
    /// An earlier release.
    Rollback,
    /// A release that serves in another environment.
    Promote,
    /// The same release, with fresh instances.
    Restart,
    /// The same release, with more or fewer instances.
    Scale,
}

impl RolloutReason {
    /// Returns the reason's name as it is written in JSON and shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Restart => "restart",
            Self::Scale => "scale",
        }
    }
}

/// What a rollout will do, step by step, with its guarantee.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Plan {
    /// The environment.
    pub environment: EnvironmentName,
    /// Why.
    pub reason: RolloutReason,
    /// What serves now.
    pub from: Option<ReleaseId>,
    /// What will serve.
    pub to: ReleaseId,
    /// How it moves.
    #[serde(default)]
    pub strategy: Strategy,
    /// Whether requests are lost.
    pub guarantee: Guarantee,
    /// What it needs beside what runs, against what the engine has.
    #[serde(default)]
    pub needs: Needs,
    /// Milliseconds that it is expected to take, by the rollouts before it; none when there is none like it.
    #[serde(default)]
    pub expected_ms: Option<u64>,
    /// The steps, in order. Empty when nothing is to be done.
    pub steps: Vec<PlannedStep>,
}

/// What a rollout needs beside what runs already, against what the engine has. What is not known is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Needs {
    /// The most instances that run at one time.
    pub instances: u32,
    /// Bytes of memory that new instances will use beside the old ones, by what the old ones use.
    pub memory: Option<u64>,
    /// Bytes of memory that the engine has left.
    pub memory_free: Option<u64>,
    /// Bytes of disk; the image is there already.
    pub disk: u64,
    /// Bytes of disk that the engine has left.
    pub disk_free: Option<u64>,
}

/// Whether a rollout loses requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "zero_downtime")]
pub enum Guarantee {
    /// None is lost.
    Yes,
    /// Some may be.
    No {
        /// Why.
        because: String,
    },
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlannedStep {
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// The same in words for people, such as `start 3 × web`.
    pub title: String,
}

/// What a step of a rollout does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum StepKind {
    /// Makes network, proxy and volumes, and starts services that do not run.
    Prepare,
    /// Runs the release's `before_start` in a one-off container.
    BeforeStart,
    /// Starts instances of one process.
    Start {
        /// The process.
        process: ProcessName,
        /// How many.
        count: u16,
    },
    /// Waits until every new instance is healthy.
    Await,
    /// Waits until a person has looked at the preview and agrees.
    Approve,
    /// Sends a share of the requests to the new instances.
    Share {
        /// Percent of the requests.
        percent: u8,
    },
    /// Compares the new instances with the old ones for a time, while both get requests.
    Watch,
    /// Takes old instances out of the way of requests and stops them, ready to be started again.
    Rest {
        /// The process.
        process: ProcessName,
        /// How many.
        count: u16,
    },
    /// Moves traffic, at once.
    Switch,
    /// Lets added instances take requests and removed ones take no more.
    Rescale,
    /// Lets requests in flight end on the old instances.
    Drain,
    /// Watches the new release with the old one still warm.
    Bake,
    /// Stops and removes what no longer serves.
    Retire {
        /// The process.
        process: ProcessName,
        /// How many.
        count: u16,
    },
    /// Observes which release serves.
    Observe,
}

impl StepKind {
    /// Returns the step's name as it is written in JSON and in the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::BeforeStart => "before_start",
            Self::Start { .. } => "start",
            Self::Await => "await",
            Self::Approve => "approve",
            Self::Share { .. } => "share",
            Self::Watch => "watch",
            Self::Rest { .. } => "rest",
            Self::Switch => "switch",
            Self::Rescale => "rescale",
            Self::Drain => "drain",
            Self::Bake => "bake",
            Self::Retire { .. } => "retire",
            Self::Observe => "observe",
        }
    }
}

/// How a step stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Planned,
    /// Written before it is done.
    Started,
    /// Written after it was done.
    Done,
    /// It failed.
    Failed,
}

/// One step as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StepRecord {
    /// Its place in the plan, from 0.
    pub position: u32,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// How it stands.
    pub state: StepState,
    /// When it began, RFC 3339.
    pub started_at: Option<String>,
    /// When it ended, RFC 3339.
    pub finished_at: Option<String>,
}

/// How a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// It goes on.
    Running,
    /// Traffic has moved; the old instances are still warm.
    Baking,
    /// The new release serves.
    Succeeded,
    /// The old release serves, or nothing does if there was none.
    Failed,
    /// Somebody stopped it, or did not agree to its plan, before traffic moved; what served was not touched.
    Cancelled,
    /// The new release was worse than the old one; traffic went back by itself.
    WentBack,
    /// Its process ended in the middle; what it had begun was finished or undone.
    Recovered,
}

/// One rollout, as the history lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RolloutRecord {
    /// Its id.
    pub id: RolloutId,
    /// The run that it belongs to.
    pub run: RunId,
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// Why.
    pub reason: RolloutReason,
    /// What served before.
    pub from: Option<ReleaseId>,
    /// What should serve after.
    pub to: ReleaseId,
    /// What the environment added.
    pub placement: Placement,
    /// How it stands.
    pub state: RolloutState,
    /// Why it failed, in one line.
    pub failure: Option<String>,
    /// Why an instance of it was not healthy.
    #[serde(default)]
    pub diagnosis: Option<Diagnosis>,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended, RFC 3339.
    pub finished_at: Option<String>,
    /// Who asked: `user@host`.
    pub by: String,
    /// Why, in the person's words.
    #[serde(default)]
    pub message: Option<String>,
    /// What was passed over because the person said so.
    #[serde(default)]
    pub anyway: Option<String>,
    /// Its steps.
    pub steps: Vec<StepRecord>,
}

/// One health measurement of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProbeAttempt {
    /// The instance's name.
    pub instance: String,
    /// What was asked, such as `GET /healthz (Host: shop.localhost)`.
    pub probe: String,
    /// When, RFC 3339.
    pub at: String,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
    /// What came back.
    #[serde(flatten)]
    pub outcome: ProbeOutcome,
}

/// What a probe brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ProbeOutcome {
    /// As it should be.
    Passed {
        /// What was seen, such as `200`.
        saw: String,
    },
    /// An answer, but not the right one.
    Answered {
        /// What was seen, such as `503`.
        saw: String,
        /// The first bytes of the body.
        excerpt: String,
    },
    /// No answer.
    Failed {
        /// Why, such as `connection refused`.
        error: String,
    },
}

impl ProbeOutcome {
    /// Tells whether the probe passed.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed { .. })
    }
}

/// What an environment is, as observed on its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EnvironmentStatus {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// Its light.
    pub health: HealthState,
    /// The release that serves, observed.
    pub serving: Option<ReleaseId>,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Its URL, when it has a web process.
    pub url: Option<String>,
    /// Its URL by HTTPS, when it has one.
    pub https_url: Option<String>,
    /// Every instance.
    pub instances: Vec<Instance>,
    /// Every service that is kept here.
    pub services: Vec<ServiceStatus>,
    /// A rollout that goes on, or was left in the middle.
    pub rollout: Option<RolloutId>,
    /// Who holds its lock: `user@host`, for what and since when, in words.
    #[serde(default)]
    pub held_by: Option<String>,
    /// Why it could not be observed, if it could not.
    pub unreachable: Option<String>,
    /// Secrets that its configuration names and that have no value.
    #[serde(default)]
    pub lacks: Vec<String>,
}

/// A kept service, as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its image's reference.
    pub image: String,
    /// Whether it runs.
    pub running: bool,
    /// The volume that keeps its data.
    pub volume: Option<String>,
}
