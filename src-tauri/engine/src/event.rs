//! What happened, in the past tense, with a growing sequence number.
//!
//! An event is a fact: appended in the same transaction as the state that it describes, never changed. Lines of output are no events;
//! they travel beside them in a bounded channel and may be dropped by a slow reader.

use serde::{Deserialize, Serialize};

use crate::model::{
    Diagnosis, GateReport, ImageReport, Incident, LockReport, LogLine, Plan, ProbeAttempt, Problem, ProjectName, ReleaseId,
    RolloutId, RolloutState, RunId, RunRecord, RunState, Stage, StageState, StepKind, StepState, Verdict,
};

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Event {
    /// The shape's version, 1.
    pub v: u32,
    /// Grows by one with each event of a home folder.
    pub seq: i64,
    /// When, RFC 3339 with milliseconds.
    pub at: String,
    /// The project it is about.
    pub project: ProjectName,
    /// The run it belongs to.
    pub run: RunId,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
// Few of them are made, and updates hold them in a box.
#[allow(clippy::large_enum_variant)]
pub enum EventBody {
    /// A run began.
    RunStarted(RunRecord),
    /// A stage began.
    StageStarted {
        /// Which.
        stage: Stage,
    },
    /// A stage ended.
    StageFinished(StageFinished),
    /// Something that people should know and that stops nothing.
    WarningRaised {
        /// What.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The lock was read.
    LockChecked(LockReport),
    /// The image was made.
    ImageBuilt(ImageReport),
    /// A gate began.
    GateStarted {
        /// Which.
        gate: String,
        /// What it runs, as a person would type it.
        command: String,
    },
    /// A gate ended.
    GateFinished(GateReport),
    /// A release was made, or found to exist.
    ReleaseMade {
        /// Its id.
        release: ReleaseId,
        /// True when the very same release existed.
        existed: bool,
    },
    /// A rollout was planned.
    RolloutPlanned {
        /// Its id.
        rollout: RolloutId,
        /// What it will do.
        plan: Plan,
    },
    /// A step of a rollout began.
    StepStarted(StepStarted),
    /// A step of a rollout ended.
    StepFinished(StepFinished),
    /// A new instance was probed.
    ProbeMade(ProbeAttempt),
    /// An instance that is not healthy was examined.
    DiagnosisMade {
        /// The rollout that waited for it.
        rollout: RolloutId,
        /// What was found.
        diagnosis: Diagnosis,
    },
    /// The new instances are healthy and can be looked at; requests reach the old ones still.
    PreviewReady {
        /// The rollout that made them.
        rollout: RolloutId,
        /// Where only they answer; none when the app receives no requests.
        url: Option<String>,
    },
    /// A rollout waits for a person to agree.
    ApprovalWanted {
        /// The rollout.
        rollout: RolloutId,
        /// To what.
        question: Question,
    },
    /// The new release was compared with the old one.
    ReleasesCompared {
        /// The rollout.
        rollout: RolloutId,
        /// What was found.
        verdict: Verdict,
    },
    /// A rollout ended.
    RolloutFinished {
        /// Its id.
        rollout: RolloutId,
        /// How.
        state: RolloutState,
        /// What serves now, observed.
        serving: Option<ReleaseId>,
        /// Why it failed.
        failure: Option<String>,
    },
    /// An incident began, got worse or ended. Its run is the incident's own.
    IncidentChanged {
        /// How it stands.
        incident: Box<Incident>,
    },
    /// A run ended.
    RunFinished {
        /// How.
        state: RunState,
        /// The release that it made or moved.
        release: Option<ReleaseId>,
        /// Where the app answers.
        url: Option<String>,
        /// Why it failed.
        problem: Option<Problem>,
    },
}

// Structs of their own, because the types of the window's bridge know `flatten` in a struct alone, not in an enum's variant.

/// What a person is asked before a rollout goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum Question {
    /// Whether requests may be lost.
    Downtime {
        /// Why they may.
        because: String,
    },
    /// Whether traffic may move to what the preview shows.
    Preview {
        /// Where it is.
        url: Option<String>,
    },
}

/// A stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StageFinished {
    /// Which.
    pub stage: Stage,
    /// How.
    #[serde(flatten)]
    pub state: StageState,
    /// What it found or did, in one line for people.
    pub summary: String,
    /// Milliseconds it took.
    pub duration_ms: u64,
}

/// A step of a rollout began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StepStarted {
    /// Its place in the plan, from 0.
    pub position: u32,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// The same in words for people.
    pub title: String,
}

/// A step of a rollout ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StepFinished {
    /// Its place in the plan, from 0.
    pub position: u32,
    /// What it did.
    #[serde(flatten)]
    pub kind: StepKind,
    /// How it stands.
    pub state: StepState,
    /// The same in words for people.
    pub title: String,
    /// Milliseconds it took.
    pub duration_ms: u64,
}

/// What a run tells while it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Update {
    /// A fact, in order, none missing.
    Event(Box<Event>),
    /// A line of output. May be missing.
    Line(LogLine),
    /// What is being done right now, for a progress line. May be missing.
    Progress {
        /// The stage.
        stage: Stage,
        /// Such as `psycopg 3.2.13 (4 of 20)`.
        text: String,
    },
}
