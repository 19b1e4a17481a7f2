//! The vocabulary as plain data: the one JSON shape that `--json`, the window's bridge and stored evidence share.
//!
//! Owns no logic beyond constructors and display; imports nothing else of the engine.

mod diagnosis;
mod diff;
mod gate;
mod health;
mod id;
mod image;
mod instance;
mod job;
mod lock;
mod log;
mod migration;
mod problem;
mod release;
mod rollout;
mod run;
mod secret;
mod settings;
mod strategy;

pub use diagnosis::{
    Absence, Cause, Certainty, DatabaseTrouble, Denial, Diagnosis, MigrationTool, Moment, SourcePlace, Suspect, VariableReader,
};
pub use diff::{Changed, Commit, Commits, ReleaseDiff};
pub use gate::{
    Comparison, Coverage, Excerpt, FileCoverage, Finding, GateName, GateReport, GateState, Level, RunMark, RunResults,
    TestOutcome, TestPast, TestReport, TestResult, TestState,
};
pub use health::{
    DeadLetter, Gap, HealthReport, HttpProbe, Incident, Marker, Notice, NoticeWeight, NotifyLevel, NotifySettings, ProbeKind,
    ProbeSettings, SampleOutcome, Series, Threshold, TimelinePoint, Unit, WebhookKind, WebhookSettings,
};
pub use id::{Digest, EnvironmentName, InstanceId, ProcessName, ProjectName, ReleaseId, RolloutId, RunId};
pub use image::{BuilderKind, EngineInfo, EngineOrigin, ImageReport, PinnedImage, StoreKind};
pub use instance::{HealthState, Instance, InstanceState};
pub use job::{JobRun, JobStatus};
pub use lock::{LockFinding, LockKind, LockReport, LockSituation, Strictness};
pub use log::{ExceptionGroup, LogException, LogField, LogFrame, LogLevel, LogPage, LogReach, LogRecord};
pub use migration::{Migrations, unknown_migrations};
pub use problem::Problem;
pub use release::{Evidence, GateEvidence, GateImageEvidence, PackageEvidence, Placement, Release, SourceState};
pub use rollout::{
    EnvironmentStatus, Guarantee, Needs, Plan, PlannedStep, ProbeAttempt, ProbeOutcome, RolloutReason, RolloutRecord,
    RolloutState, ServiceStatus, StepKind, StepRecord, StepState,
};
pub use run::{LogLine, LogStream, RunRecord, RunState, Stage, StageState};
pub use secret::{OldValue, SecretEntry, SecretNeed, SecretReport, SecretScope, SecretSource, VaultKey, VaultStatus};
pub use settings::{
    AcmeSettings, AppSettings, BuildSettings, CommandLine, EnvironmentSettings, ErrorPace, Framework, GateBudget, GateSettings,
    GauntletSettings, HealthCheck, HealthProbe, Https, JobSettings, KeepSettings, LockSettings, LogSettings, MOST_WEB_INSTANCES,
    Origin, Process, ProcessKind, ProcessPlacement, ProjectSettings, Ready, ReleaseSettings, Resources, SecretDelivery,
    ServiceContainer, ServiceFile, ServiceMoment, ServiceSettings, Setting, VolumeMount,
};
pub use strategy::{Batch, Figures, Strategy, Tolerance, Verdict};
