//! What things are called on the engine. Pure.
//!
//! A scope is one installation: its proxy, network, volume and every label bear it. Almost everybody has one, `nonevent`; a second
//! one on the same engine (`NONEVENT_SCOPE`, for tests and for several installations side by side) sees nothing of the first.

use crate::target::Place;

/// One installation on an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// The variable that names another scope than the default.
    pub const VARIABLE: &'static str = "NONEVENT_SCOPE";

    /// The scope of a name; characters that Docker refuses in names are left out.
    pub fn new(name: &str) -> Self {
        let name: String = name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect();
        Self(if name.is_empty() { "nonevent".to_owned() } else { name.to_lowercase() })
    }

    /// The scope that `NONEVENT_SCOPE` names, else the default.
    pub fn from_environment() -> Self {
        Self::new(&std::env::var(Self::VARIABLE).unwrap_or_default())
    }

    /// Tells whether it is the one of almost everybody.
    pub fn is_default(&self) -> bool {
        self.0 == "nonevent"
    }

    /// Returns its name: the value of the label, and the name of the shared network.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Returns the name of the proxy's container and volume.
    pub(super) fn proxy(&self) -> String {
        format!("{}-proxy", self.0)
    }

    /// Returns the name of the short lock on what environments share.
    pub(super) fn setup_lock(&self) -> String {
        format!("{}-setup", self.0)
    }

    /// Returns the name of an environment's lock. Project and environment are joined by what no DNS label holds, so that `a-b` in
    /// `c` and `a` in `b-c` have two names.
    pub(super) fn lock(&self, place: &Place) -> String {
        format!("{}-lock-{}", self.0, key(place))
    }

    /// Returns the name of an environment's own network.
    pub(super) fn network(&self, place: &Place) -> String {
        format!("{}_{}", self.0, key(place))
    }

    /// Returns the name of a service's container and volume.
    pub(super) fn service(&self, place: &Place, service: &str) -> String {
        format!("{}_{}_{service}", self.0, key(place))
    }

    /// Returns the name of the container in which a job runs; the dots keep it apart from a service of the same name.
    pub(super) fn job(&self, place: &Place, job: &str) -> String {
        format!("{}_{}.job.{job}", self.0, key(place))
    }

    /// Returns the name of the container that holds one time of a job's schedule, in seconds since 1970.
    pub(super) fn job_time(&self, place: &Place, job: &str, due: i64) -> String {
        format!("{}.{due}", self.job(place, job))
    }

    /// Returns the name of one of the app's volumes; the dot keeps it apart from a service of the same name.
    pub(super) fn volume(&self, place: &Place, volume: &str) -> String {
        format!("{}_{}.{volume}", self.0, key(place))
    }
}

/// Returns an environment's key: how maps, backends and files on the proxy's volume name it.
pub(super) fn key(place: &Place) -> String {
    format!("{}_{}", place.project, place.environment)
}

/// Labels of everything that is ours.
pub(super) mod label {
    /// The installation.
    pub const SCOPE: &str = "dev.nonevent.scope";
    /// The project.
    pub const PROJECT: &str = "dev.nonevent.project";
    /// The environment.
    pub const ENVIRONMENT: &str = "dev.nonevent.environment";
    /// What it is for, see [`super::Role`].
    pub const ROLE: &str = "dev.nonevent.role";
    /// The process of the app.
    pub const PROCESS: &str = "dev.nonevent.process";
    /// The release.
    pub const RELEASE: &str = "dev.nonevent.release";
    /// The rollout that started it.
    pub const ROLLOUT: &str = "dev.nonevent.rollout";
    /// The instance's name; also on what belongs to it.
    pub const INSTANCE: &str = "dev.nonevent.instance";
    /// The fixed address on the shared network.
    pub const ADDRESS: &str = "dev.nonevent.address";
    /// The port inside the container.
    pub const PORT: &str = "dev.nonevent.port";
    /// The service.
    pub const SERVICE: &str = "dev.nonevent.service";
    /// The ports that the proxy has on the engine's loopback.
    pub const HTTP_PORT: &str = "dev.nonevent.http-port";
    /// See `HTTP_PORT`.
    pub const HTTPS_PORT: &str = "dev.nonevent.https-port";
    /// Whether more than the engine's own machine reaches the proxy.
    pub const EXPOSED: &str = "dev.nonevent.exposed";
    /// See `HTTP_PORT`.
    pub const PREVIEW_PORT: &str = "dev.nonevent.preview-port";
    /// The addresses of which environments' networks get their parts.
    pub const POOL: &str = "dev.nonevent.pool";
    /// The names of the secrets that an instance was given.
    pub const SECRETS: &str = "dev.nonevent.secrets";
    /// The run of a job.
    pub const JOB_RUN: &str = "dev.nonevent.job-run";
    /// The job whose time it holds.
    pub const JOB: &str = "dev.nonevent.job";
    /// The time of a job's schedule, in seconds since 1970.
    pub const JOB_TIME: &str = "dev.nonevent.job-time";
    /// Who holds a lock.
    pub const OWNER: &str = "dev.nonevent.lock.owner";
    /// The holder's process.
    pub const PID: &str = "dev.nonevent.lock.pid";
    /// What the holder does.
    pub const PURPOSE: &str = "dev.nonevent.lock.purpose";
    /// The holder's machine since it booted.
    pub const MACHINE: &str = "dev.nonevent.lock.machine";
    /// When the holder's process started, in the kernel's ticks.
    pub const STARTED: &str = "dev.nonevent.lock.started";
    /// The fence's number.
    pub const NUMBER: &str = "dev.nonevent.lock.number";
    /// The fence's token.
    pub const TOKEN: &str = "dev.nonevent.lock.token";
}

/// What a thing of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An instance that receives requests.
    Web,
    /// An instance that does not.
    Worker,
    /// The proxy, its network, its volume.
    Proxy,
    /// A kept service and its data.
    Service,
    /// A volume of the app.
    Volume,
    /// An environment's network.
    Network,
    /// A lock.
    Lock,
    /// A one-off container.
    Once,
    /// A run of a job.
    Job,
    /// One time of a job's schedule that somebody answered.
    JobTime,
    /// A container that only asks whether something listens, or only carries files to a volume.
    Hand,
    /// A volume with one instance's secrets.
    Secrets,
}

impl Role {
    /// Returns its name as the label bears it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Proxy => "proxy",
            Self::Service => "service",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Lock => "lock",
            Self::Once => "once",
            Self::Job => "job",
            Self::JobTime => "job-time",
            Self::Hand => "hand",
            Self::Secrets => "secrets",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_read_in_two_ways_are_two() {
        let scope = Scope::new("");
        let one = Place { project: "a-b".into(), environment: "c".into() };
        let two = Place { project: "a".into(), environment: "b-c".into() };
        assert_ne!(scope.lock(&one), scope.lock(&two));
        assert_ne!(scope.service(&one, "db"), scope.volume(&one, "db"));
        assert_eq!(scope.service(&one, "db"), "nonevent_a-b_c_db");
    }

    #[test]
    fn a_scope_is_a_name_that_docker_takes() {
        assert_eq!(Scope::new("Te st/1").name(), "test1");
        assert!(Scope::new("").is_default());
    }
}
