//! What a target is asked to run: instances, one-off containers, jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::mask::Secret;
use crate::model::{CommandLine, Digest, ProcessName, ReleaseId, Resources, RolloutId, SecretDelivery, VolumeMount};

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

/// How a one-off container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceExit {
    /// Its exit code.
    pub exit_code: i64,
    /// Whether the kernel ended it for want of memory.
    pub oom: bool,
}

/// One run of a job.
#[derive(Debug, Clone, Copy)]
pub struct JobOrder<'a> {
    /// The job.
    pub job: &'a str,
    /// The run, by which its container is known again.
    pub run: &'a str,
    /// The time of its schedule that it answers; none when a person asked for it.
    pub due: Option<Timestamp>,
    /// What to run; none to see the end of a run that an ended process had begun.
    pub spec: Option<&'a InstanceSpec>,
}

/// What became of a job's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// It came to an end, by itself or because it was stopped.
    Ended(OnceExit),
    /// Another run of the same job goes on; nothing was begun.
    Overlaps,
    /// Somebody else answered this time of its schedule, or a later one; nothing was begun.
    Answered,
    /// Nothing of that run is there any more.
    Gone,
}
