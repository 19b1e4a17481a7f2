//! Where releases run: the trait that every engine behind an environment fulfils, and its plain types.
//!
//! A target never decides: it observes and does single, idempotent things. What to do in which order is `rollout`'s business.
//! Invariants: nothing without our labels is touched; an instance is never changed; what serves is what the proxy's map says.

pub mod docker;
mod error;
mod examination;
mod holder;
mod order;
mod output;
pub mod proxy;
mod traffic;
mod waste;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use error::TargetError;
pub use examination::{Examination, Listener};
pub use holder::{Fence, Held, Life, LockHolder};
pub use order::{InstanceSpec, JobEnd, JobOrder, OnceExit, RootFileSystem};
pub use output::{Follow, Keeper, LineSink, LogQuery, Session, Terminal};
pub use traffic::{Room, SideTraffic, Since, Traffic};
pub use waste::{Kept, Waste, WasteKind};

use crate::logs::Line;
pub use crate::mask::Secret;
use crate::model::LogStream;
use crate::model::{
    EngineInfo, EnvironmentName, HealthCheck, Instance, InstanceId, Placement, ProbeAttempt, ProjectName, Release, RolloutId,
    RolloutReason, ServiceSettings, ServiceStatus, VolumeMount,
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
    /// Who asked for it: `user@host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RolloutReason>,
    /// The same in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What was passed over because the person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anyway: Option<String>,
}

/// A side of an environment (blue or green) as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// What it holds.
    pub record: Record,
    /// The instances behind it.
    pub instances: Vec<InstanceId>,
    /// Those of them that [`Target::rest`] took out of the way of requests.
    #[serde(default)]
    pub resting: BTreeSet<InstanceId>,
}

/// What a target is, right now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// The side that requests reach.
    pub serving: Option<Side>,
    /// The other side: staged for a rollout, or the warm one after a switch.
    pub idle: Option<Side>,
    /// Percent of the requests that the other side gets all the same.
    pub share: u8,
    /// Every instance with our labels in this environment, running or not.
    pub instances: Vec<Instance>,
    /// Every service kept here.
    pub services: Vec<ServiceStatus>,
    /// Where the app answers, when it has a web process and the proxy runs.
    pub url: Option<String>,
    /// Where the other side alone answers, on this machine.
    pub preview: Option<String>,
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

    /// Returns who holds the environment's lock, dead or alive.
    async fn held(&self, place: &Place) -> Result<Option<Held>, TargetError>;

    /// Takes the lock away from the holder of this number, living or not, and gives it to nobody: whatever that one does next is
    /// refused. False when it has no such holder any more.
    async fn depose(&self, place: &Place, number: u64) -> Result<bool, TargetError>;

    /// Waits until the lock of this number was given back or taken away, at most `limit`.
    async fn until_freed(&self, place: &Place, number: u64, limit: Duration) -> Result<(), TargetError>;

    /// Makes network, proxy, volumes and services, as far as they are not there, and waits until the services are ready.
    async fn prepare(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError>;

    /// Runs a command in a one-off container like an instance, on the environment's network, and removes it.
    async fn run_once(&self, fence: &Fence, spec: &InstanceSpec, lines: &LineSink) -> Result<OnceExit, TargetError>;

    /// Ends what [`Target::run_once`] began and nobody waits for any more, with its grace time, and removes it.
    async fn end_once(&self, fence: &Fence) -> Result<(), TargetError>;

    /// Runs a job in a container like an instance's, on the environment's network, and removes it. There is one container for each job:
    /// while a run goes on no other one begins, whoever asks, and a time of its schedule is answered once, however many laptops watch:
    /// who comes after a later time was answered is too late, unless that lies more than an hour ahead of the engine's clock. Needs no lock: rollouts and jobs do not wait for each other. Once `stop` is
    /// cancelled the run is ended with its grace time. Called again for the same run, it goes on with what is there.
    async fn run_job(
        &self,
        place: &Place,
        order: JobOrder<'_>,
        lines: &LineSink,
        stop: &CancellationToken,
    ) -> Result<JobEnd, TargetError>;

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

    /// Sends a share of the requests, in percent, to the side that does not serve; 0 ends it, and so does a switch. Requests that would
    /// meet no healthy instance there go to the serving side.
    ///
    /// # Errors
    /// `TargetError::NothingStaged` when there is no such side.
    async fn share(&self, fence: &Fence, percent: u8) -> Result<(), TargetError>;

    /// Takes instances out of the way of requests, waits at most `limit` until those in flight on them have ended, and stops them. They
    /// stay what they are, and their side's. Returns how many requests were left.
    async fn rest(&self, fence: &Fence, instances: &[InstanceId], limit: Duration) -> Result<u32, TargetError>;

    /// Starts an instance again that rests; one that runs goes on. Requests reach it once it has joined.
    ///
    /// # Errors
    /// `TargetError::Refused` when it is gone.
    async fn wake(&self, fence: &Fence, instance: &InstanceId) -> Result<Instance, TargetError>;

    /// Lets instances that rested take requests again, as far as their side does.
    async fn join(&self, fence: &Fence, instances: &[InstanceId]) -> Result<(), TargetError>;

    /// Counts the requests that each side got, from the outside. What happened long ago may be forgotten.
    async fn traffic(&self, place: &Place, since: &Since) -> Result<Traffic, TargetError>;

    /// Finds out what the engine has left, and what instances use.
    async fn room(&self, instances: &[InstanceId]) -> Result<Room, TargetError>;

    /// Replaces the instances behind the serving side by this list, of the same release: new ones take requests at once,
    /// missing ones get no more.
    ///
    /// # Errors
    /// `TargetError::NothingStaged` when nothing serves.
    async fn rescale(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError>;

    /// Waits until no request (nor open socket) is in flight on the side that gets none and on instances that `rescale` took out,
    /// at most `limit`; returns how many were left.
    async fn drain(&self, fence: &Fence, limit: Duration) -> Result<u32, TargetError>;

    /// Stops and removes one instance, after its last lines were read into `lines`. One that is gone is no error.
    ///
    /// # Errors
    /// `TargetError::Refused` when requests reach it: an instance of the serving side has to be taken out by `rescale` before.
    async fn retire(&self, fence: &Fence, instance: &InstanceId, lines: &LineSink) -> Result<(), TargetError>;

    /// Returns the values of secrets that instances here have, so that they can be taken out of what is shown.
    async fn secrets_of(&self, _place: &Place) -> Result<Vec<Secret>, TargetError> {
        Ok(Vec::new())
    }

    /// Lists the instances of an environment, running or not.
    async fn instances(&self, place: &Place) -> Result<Vec<Instance>, TargetError> {
        Ok(self.observe(place).await?.instances)
    }

    /// Reads one stream of an instance: every line that the engine still has since the second of a moment (nanoseconds since 1970), in
    /// the order in which it was printed, and what comes. It ends with the instance's life; of one that is gone there is nothing.
    async fn output(
        &self,
        _instance: &InstanceId,
        _stream: LogStream,
        _since: Option<i64>,
        _follow: Follow,
        _lines: &mpsc::Sender<Line>,
    ) -> Result<(), TargetError> {
        Ok(())
    }

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

    /// Returns the records of what served here before, each release once, the last one first: what any laptop may go back to.
    async fn earlier(&self, place: &Place) -> Result<Vec<Record>, TargetError>;

    /// Lists every environment that has something of ours here, volumes that outlived it not counted.
    async fn places(&self) -> Result<Vec<Place>, TargetError>;

    /// Lists what is ours and what nothing needs.
    async fn garbage(&self, kept: &Kept) -> Result<Vec<Waste>, TargetError>;

    /// Removes waste; what is in use again by now is left alone. Returns the bytes that were freed.
    async fn sweep(&self, waste: &[Waste]) -> Result<u64, TargetError>;
}
