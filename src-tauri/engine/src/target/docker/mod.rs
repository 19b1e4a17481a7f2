//! Releases on a Docker engine: the only user of the engine's API for running things.
//!
//! What an environment is made of, all of it labelled (`scope::label`):
//! - **One shared network** per installation, with a subnet of ours, on which instances have fixed addresses; the proxy sits only
//!   there. The engine itself chooses the pool (it knows the host's routes and its own configuration), we cut it up: the head is the
//!   shared network, each environment gets a slice.
//! - **One network per environment**, on which its instances and its services sit: `db` is reachable by that name there and nowhere
//!   else, because services are on no other network.
//! - **One proxy** ([`super::proxy`]) with its volume.
//! - Instances, services, volumes, and the lock: a container that is created and never started.
//!
//! Two locks: the environment's (`lock`), with a fence that every irreversible step checks, and a short one on what environments share
//! (`setup`), which is held only while network, volume and proxy are made or removed.

mod api;
mod down;
mod examine;
mod exec;
mod garbage;
mod ground;
mod instance;
mod job;
mod lock;
mod logs;
mod network;
mod observe;
mod prepare;
mod probe;
mod recipe;
mod route;
mod scope;
mod secrets;
mod secure;
mod service;
mod setup;
mod side;
mod subnet;
mod traffic;
mod volume;

use std::time::Duration;

use async_trait::async_trait;
pub use scope::Scope;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use self::api::Api;
use super::proxy::Exposure;
use super::{
    Examination, Fence, Foundation, Held, InstanceSpec, JobEnd, JobOrder, Kept, Leave, LineSink, LockHolder, LogQuery, Observed,
    OnceExit, Place, Record, Room, Session, Since, Target, TargetError, Terminal, Traffic, Waste,
};
use crate::certificates::Authority;
use crate::docker::Docker;
use crate::model::{EngineInfo, HealthCheck, Instance, InstanceId, ProbeAttempt, RolloutId};

/// What a Docker target is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The installation.
    pub scope: Scope,
    /// The proxy's image, pinned: `haproxy:3.2@sha256:…` or an engine's id. It needs bash and haproxy 3.2 or newer.
    pub proxy_image: String,
    /// Where requests come in.
    pub port: PortChoice,
    /// Time without a heartbeat after which a lock's holder counts as dead.
    pub stale_after: Duration,
    /// Who makes certificates for local names; without it they have none.
    pub authority: Option<Authority>,
    /// Who shall reach the proxy when an environment needs to be reached from outside.
    pub exposure: Exposure,
}

impl Options {
    /// The options of an installation: the usual ports in the default scope, ephemeral ones in any other.
    pub fn new(scope: Scope, proxy_image: impl Into<String>) -> Self {
        let port = if scope.is_default() { PortChoice::Usual } else { PortChoice::Ephemeral };
        // Only the usual ports can be known to the world; a second installation beside the first is for its machine.
        let exposure = if scope.is_default() { Exposure::Everybody } else { Exposure::Machine };
        let stale_after = Duration::from_secs(30);
        Self { scope, proxy_image: proxy_image.into(), port, stale_after, authority: None, exposure }
    }
}

/// Which port on the engine's loopback the proxy takes when it is made; afterwards it keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// 80, else 8080, else the next one that is free.
    Usual,
    /// This one or none.
    Fixed(u16),
    /// Any that is free.
    Ephemeral,
}

/// A Docker engine on which environments run.
#[derive(Debug)]
pub struct DockerTarget {
    api: Api,
    info: EngineInfo,
    options: Options,
    http: reqwest::Client,
    /// Held while an address is chosen and until the container that bears it exists.
    addresses: Mutex<()>,
    /// Held while the proxy's state is changed: changes of one process queue here instead of undoing each other on the volume.
    changes: Mutex<()>,
}

impl DockerTarget {
    /// Makes a target of an engine that is connected already. Touches nothing on it.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(docker: &Docker, options: Options) -> Result<Self, TargetError> {
        let api = Api { client: docker.client.clone(), host: docker.info.host.clone(), scope: options.scope.clone() };
        let http = probe::client()?;
        Ok(Self { api, info: docker.info.clone(), options, http, addresses: Mutex::new(()), changes: Mutex::new(()) })
    }

    /// The port that the proxy has for HTTPS. None when there is no proxy, or it was made before there was HTTPS.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn https_port(&self) -> Result<Option<u16>, TargetError> {
        Ok(self.ground().await?.and_then(|ground| ground.ports.https))
    }

    /// The ports that the proxy has on the engine's loopback: requests, previews. None when there is no proxy.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn ports(&self) -> Result<Option<(u16, u16)>, TargetError> {
        Ok(self.ground().await?.map(|ground| (ground.ports.http, ground.ports.preview)))
    }
}

#[async_trait]
impl Target for DockerTarget {
    async fn info(&self) -> Result<EngineInfo, TargetError> {
        self.api.client.ping().await.map_err(|error| self.api.error("ask the engine", error))?;
        Ok(self.info.clone())
    }

    async fn observe(&self, place: &Place) -> Result<Observed, TargetError> {
        self.observe_place(place).await
    }

    async fn lock(&self, place: &Place, holder: &LockHolder) -> Result<Fence, TargetError> {
        self.take_lock(place, holder).await
    }

    async fn beat(&self, fence: &Fence) -> Result<(), TargetError> {
        self.beat_lock(fence).await
    }

    async fn unlock(&self, fence: &Fence) -> Result<(), TargetError> {
        self.release_lock(fence).await
    }

    async fn held(&self, place: &Place) -> Result<Option<Held>, TargetError> {
        self.holder_judged(place).await
    }

    async fn depose(&self, place: &Place, number: u64) -> Result<bool, TargetError> {
        self.depose_holder(place, number).await
    }

    async fn until_freed(&self, place: &Place, number: u64, limit: Duration) -> Result<(), TargetError> {
        self.until_lock_freed(place, number, limit).await
    }

    async fn prepare(&self, fence: &Fence, foundation: &Foundation) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.prepare_place(fence, foundation).await
    }

    async fn run_once(&self, fence: &Fence, spec: &InstanceSpec, lines: &LineSink) -> Result<OnceExit, TargetError> {
        self.check_fence(fence).await?;
        self.run_to_end(&fence.place, spec, lines).await
    }

    async fn end_once(&self, fence: &Fence) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.remove_leftovers(&fence.place).await
    }

    async fn run_job(
        &self,
        place: &Place,
        order: JobOrder<'_>,
        lines: &LineSink,
        stop: &CancellationToken,
    ) -> Result<JobEnd, TargetError> {
        self.run_job_to_end(place, order, lines, stop).await
    }

    async fn start(&self, fence: &Fence, spec: &InstanceSpec) -> Result<Instance, TargetError> {
        self.check_fence(fence).await?;
        self.start_instance(&fence.place, spec).await
    }

    async fn stage(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.stage_side(fence, record, instances).await
    }

    async fn probe(
        &self,
        place: &Place,
        instance: &Instance,
        check: &HealthCheck,
        domain: &str,
    ) -> Result<ProbeAttempt, TargetError> {
        self.probe_instance(place, instance, check, domain).await
    }

    async fn switch(&self, fence: &Fence, rollout: &RolloutId) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.switch_to(fence, rollout).await
    }

    async fn share(&self, fence: &Fence, percent: u8) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.share_requests(fence, percent).await
    }

    async fn rest(&self, fence: &Fence, instances: &[InstanceId], limit: Duration) -> Result<u32, TargetError> {
        self.check_fence(fence).await?;
        self.rest_instances(fence, instances, limit).await
    }

    async fn wake(&self, fence: &Fence, instance: &InstanceId) -> Result<Instance, TargetError> {
        self.check_fence(fence).await?;
        self.wake_instance(fence, instance).await
    }

    async fn join(&self, fence: &Fence, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.join_instances(fence, instances).await
    }

    async fn traffic(&self, place: &Place, since: &Since) -> Result<Traffic, TargetError> {
        self.read_traffic(place, since).await
    }

    async fn room(&self, instances: &[InstanceId]) -> Result<Room, TargetError> {
        self.look_for_room(instances).await
    }

    async fn rescale(&self, fence: &Fence, record: &Record, instances: &[InstanceId]) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.rescale_side(fence, record, instances).await
    }

    async fn drain(&self, fence: &Fence, limit: Duration) -> Result<u32, TargetError> {
        self.drain_idle(&fence.place, limit).await
    }

    async fn retire(&self, fence: &Fence, instance: &InstanceId, lines: &LineSink) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.retire_instance(fence, instance, lines).await
    }

    async fn secrets_of(&self, place: &Place) -> Result<Vec<crate::mask::Secret>, TargetError> {
        self.placed_secrets(place).await
    }

    async fn logs(&self, place: &Place, query: &LogQuery, lines: &LineSink) -> Result<(), TargetError> {
        self.read_logs(place, query, lines).await
    }

    async fn examine(&self, place: &Place, instance: &InstanceId) -> Result<Examination, TargetError> {
        self.examine_instance(place, instance).await
    }

    async fn exec(&self, instance: &InstanceId, command: &[String], terminal: Terminal) -> Result<Session, TargetError> {
        self.open_session(instance, command, terminal).await
    }

    async fn down(&self, fence: &Fence, leave: Leave) -> Result<(), TargetError> {
        self.check_fence(fence).await?;
        self.remove_place(fence, leave).await
    }

    async fn earlier(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        self.earlier_records(place).await
    }

    async fn places(&self) -> Result<Vec<Place>, TargetError> {
        self.list_places().await
    }

    async fn garbage(&self, kept: &Kept) -> Result<Vec<Waste>, TargetError> {
        self.find_waste(kept).await
    }

    async fn sweep(&self, waste: &[Waste]) -> Result<u64, TargetError> {
        self.remove_waste(waste).await
    }
}
