//! Where releases run: the trait that every engine behind an environment fulfils, and its plain types.
//!
//! A target never decides: it observes and does single, idempotent things. What to do in which order is `rollout`'s business.
//! Invariants: nothing without our labels is touched; an instance is never changed; what serves is what the proxy's map says.

pub mod docker;
mod error;
mod examination;
pub mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

pub use error::TargetError;
pub use examination::{Examination, Listener};

pub use crate::mask::Secret;
use crate::model::{
    CommandLine, Digest, EngineInfo, EnvironmentName, HealthCheck, Instance, InstanceId, LogLine, LogStream, Placement,
    ProbeAttempt, ProcessName, ProjectName, Release, ReleaseId, Resources, RolloutId, SecretDelivery, ServiceSettings,
    ServiceStatus, VolumeMount,
};

/// One environment of one project, as a target knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.project, self.environment)
    }
}

/// What one side of an environment holds: written on the target before traffic can reach it, so that any laptop can read it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The shape's version, 1.
    pub format: u32,
    /// The rollout that staged it.
    pub rollout: RolloutId,
    /// The whole release.
    pub release: Release,
    /// What the environment adds.
    pub placement: Placement,
    /// When it was staged, RFC 3339.
    pub staged_at: String,
}

/// A side of an environment (blue or green) as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// What it holds.
    pub record: Record,
    /// The instances behind it.
    pub instances: Vec<InstanceId>,
}

/// What a target is, right now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// The side that requests reach.
    pub serving: Option<Side>,
    /// The other side: staged for a rollout, or the warm one after a switch.
    pub idle: Option<Side>,
    /// Every instance with our labels in this environment, running or not.
    pub instances: Vec<Instance>,
    /// Every service kept here.
    pub services: Vec<ServiceStatus>,
    /// Where the app answers, when it has a web process and the proxy runs.
    pub url: Option<String>,
    /// Where it answers by HTTPS, when it does.
    pub https_url: Option<String>,
    /// Who holds the lock.
    pub lock: Option<LockHolder>,
}

/// What must be there before instances start. Making it twice changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Foundation {
    /// The public host name, when the app has a web process.
    pub domain: Option<String>,
    /// How requests reach it by HTTPS.
    pub https: Encryption,
    /// The port that instances of the web process listen on.
    pub port: Option<u16>,
    /// Services by name, each with the image to run (pinned by digest).
    pub services: BTreeMap<String, (ServiceSettings, String)>,
    /// Volumes of the app.
    pub volumes: Vec<VolumeMount>,
}

/// How requests reach an environment by HTTPS, and all that a target needs for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Encryption {
    /// Not at all.
    #[default]
    Off,
    /// With a certificate of the laptop's own authority, beside HTTP.
    Local,
    /// With a certificate of a public authority, in place of HTTP.
    Acme {
        /// The authority's directory.
        directory: String,
        /// Whom it may write to.
        email: Option<String>,
        /// Authorities that vouch for the directory itself, PEM; those of the system always do.
        roots: Option<String>,
    },
}

/// One instance to start.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceSpec {
    /// Its process.
    pub process: ProcessName,
    /// Its release.
    pub release: ReleaseId,
    /// The rollout that starts it.
    pub rollout: RolloutId,
    /// What the engine calls the image.
    pub image: Digest,
    /// What it runs.
    pub command: CommandLine,
    /// Its variables: `PORT`, the app's, the environment's, the services'.
    pub env: BTreeMap<String, String>,
    /// Secrets; never printed.
    pub secrets: BTreeMap<String, Secret>,
    /// How secrets reach it.
    pub secret_delivery: SecretDelivery,
    /// The port it listens on, for the web process.
    pub port: Option<u16>,
    /// Its limits.
    pub resources: Resources,
    /// Volumes of the app.
    pub volumes: Vec<VolumeMount>,
    /// Time between SIGTERM and SIGKILL.
    pub stop_grace: Duration,
    /// Whether its root is read-only (images of the wheel builder) or writable (Dockerfile images).
    pub root: RootFileSystem,
}

/// Whether an instance may write to its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootFileSystem {
    /// Only `/tmp` and volumes are writable.
    ReadOnly,
    /// Everything is, until the instance ends.
    Writable,
}

/// Who wants, or holds, an environment's lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// `user@host`.
    pub owner: String,
    /// The process's id on that host.
    pub pid: u32,
    /// What it does, such as `ship 3f2a91c04d5e`.
    pub purpose: String,
    /// Since when, RFC 3339, by the engine's clock.
    pub since: String,
    /// The last heartbeat, RFC 3339, by the engine's clock.
    pub beat: String,
}

/// Proof of holding an environment's lock; a newer holder's number is higher, and a target refuses an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The environment.
    pub place: Place,
    /// Grows with each holder.
    pub number: u64,
    /// Distinguishes holders of one number across a race.
    pub token: String,
}

/// How a one-off container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceExit {
    /// Its exit code.
    pub exit_code: i64,
    /// Whether the kernel ended it for want of memory.
    pub oom: bool,
}

/// Which lines of output to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Only this instance; all of the environment otherwise.
    pub instance: Option<InstanceId>,
    /// The last lines of each instance only.
    pub tail: Option<u32>,
    /// Whether to go on reading what is printed from now on, instances that start later included.
    pub follow: Follow,
}

/// Whether reading goes on after what is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follow {
    /// It ends.
    #[default]
    Stop,
    /// It goes on until the reader goes.
    Follow,
}

/// What removing an environment leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    /// Named volumes stay.
    Data,
    /// Nothing stays.
    Nothing,
}

/// Whether `exec` attaches a terminal and standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Only output is read.
    None,
    /// Standard input is sent too.
    Input,
    /// A terminal of this many columns and rows.
    Attached {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
}

/// A command that goes on in an instance.
#[derive(Debug)]
pub struct Session {
    /// What it prints: raw bytes, standard error marked. A terminal knows only standard output.
    pub output: mpsc::Receiver<(LogStream, Vec<u8>)>,
    /// What it reads; drop it to close its input.
    pub input: Option<mpsc::Sender<Vec<u8>>>,
    /// New columns and rows of its terminal.
    pub resize: Option<mpsc::Sender<(u16, u16)>>,
    /// Its exit code.
    pub exit: oneshot::Receiver<Result<i64, TargetError>>,
}

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

/// Where a target's lines of output go; a reader that is too slow loses lines, never facts.
pub type LineSink = mpsc::Sender<LogLine>;

/// An engine on which environments run.
///
/// Every method may be called again after it failed or after its caller died, and then ends in the same state.
#[async_trait]
pub trait Target: Send + Sync {
    /// Describes the engine.
    async fn info(&self) -> Result<EngineInfo, TargetError>;

    /// Observes an environment. Where the proxy does otherwise than the target's own record says, it is mended on the way.
    async fn observe(&self, place: &Place) -> Result<Observed, TargetError>;

    /// Takes the environment's lock.
    ///
    /// # Errors
    /// `TargetError::Locked` when a living holder has it.
    async fn lock(&self, place: &Place, holder: &LockHolder) -> Result<Fence, TargetError>;

    /// Shows that the holder lives.
    ///
    /// # Errors
    /// `TargetError::FenceLost` when somebody else took the lock over.
    async fn beat(&self, fence: &Fence) -> Result<(), TargetError>;

    /// Gives the lock back. A lost fence is no error.
    async fn unlock(&self, fence: &Fence) -> Result<(), TargetError>;

    /// Makes network, proxy, volumes and services, as far as they are not there, and waits until the services are ready.
    async fn prepare(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError>;

    /// Runs a command in a one-off container like an instance, on the environment's network, and removes it.
    async fn run_once(&self, fence: &Fence, spec: &InstanceSpec, lines: &LineSink) -> Result<OnceExit, TargetError>;

    /// Makes and starts one instance, and puts it behind nothing. Called again it makes another one: whoever died in between finds the
    /// first by its rollout, running or only created. A start that fails leaves none.
    async fn start(&self, fence: &Fence, spec: &InstanceSpec) -> Result<Instance, TargetError>;

    /// Puts instances of the web process on the side that requests do not reach, in place of what it held: they get requests after
    /// the switch. Workers are the side's by their release. Does nothing when this rollout serves already.
    ///
    /// # Errors
    /// `TargetError::TooManyInstances`, `TargetError::Refused` when an instance is not there.
    async fn stage(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError>;

    /// Measures one instance's health the way real requests go, whether it is staged or not: a failing probe is a result, not an error.
    async fn probe(
        &self,
        place: &Place,
        instance: &Instance,
        check: &HealthCheck,
        domain: &str,
    ) -> Result<ProbeAttempt, TargetError>;

    /// Moves traffic to the side of this rollout, staged or still warm, at once. Does nothing when it serves already. Whoever switches
    /// says that its instances are healthy: the proxy believes it until its own checks know better.
    ///
    /// # Errors
    /// `TargetError::NothingStaged`.
    async fn switch(&self, fence: &Fence, rollout: &RolloutId) -> Result<(), TargetError>;

    /// Replaces the instances behind the serving side by this list, of the same release: new ones take requests at once,
    /// missing ones get no more.
    ///
    /// # Errors
    /// `TargetError::NothingStaged` when nothing serves.
    async fn rescale(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError>;

    /// Waits until no request (nor open socket) is in flight on the side that does not serve and on instances that `rescale` took out,
    /// at most `limit`; returns how many were left.
    async fn drain(&self, fence: &Fence, limit: Duration) -> Result<u32, TargetError>;

    /// Stops and removes one instance, after its last lines were read into `lines`. One that is gone is no error.
    ///
    /// # Errors
    /// `TargetError::Refused` when requests reach it: an instance of the serving side has to be taken out by `rescale` before.
    async fn retire(&self, fence: &Fence, instance: &InstanceId, lines: &LineSink) -> Result<(), TargetError>;

    /// Reads output.
    async fn logs(&self, place: &Place, query: &LogQuery, lines: &LineSink) -> Result<(), TargetError>;

    /// Finds out everything about one instance that may explain why it is not healthy; changes nothing about it.
    ///
    /// # Errors
    /// `TargetError::Refused` when it is no instance of this environment. What cannot be found out of one that is, is left out.
    async fn examine(&self, place: &Place, instance: &InstanceId) -> Result<Examination, TargetError>;

    /// Runs a command inside a running instance.
    async fn exec(&self, instance: &InstanceId, command: &[String], terminal: Terminal) -> Result<Session, TargetError>;

    /// Removes the environment: instances, services, its part of the proxy; the proxy itself when nothing else needs it.
    async fn down(&self, fence: &Fence, leave: Leave) -> Result<(), TargetError>;

    /// Lists every environment that has something of ours here, volumes that outlived it not counted.
    async fn places(&self) -> Result<Vec<Place>, TargetError>;

    /// Lists what is ours and what nothing needs.
    async fn garbage(&self, kept: &Kept) -> Result<Vec<Waste>, TargetError>;

    /// Removes waste; what is in use again by now is left alone. Returns the bytes that were freed.
    async fn sweep(&self, waste: &[Waste]) -> Result<u64, TargetError>;
}
