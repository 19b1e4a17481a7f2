//! Running copies of a release.

use serde::{Deserialize, Serialize};

use super::{InstanceId, ProcessName, ReleaseId, RolloutId};

/// One running copy of a release, as the target shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Instance {
    /// The target's own id.
    pub id: InstanceId,
    /// The name that people see, such as `shop-local-web-3f2a91`.
    pub name: String,
    /// Its process.
    pub process: ProcessName,
    /// The release it is a copy of.
    pub release: ReleaseId,
    /// The rollout that started it.
    pub rollout: RolloutId,
    /// Its fixed address on the private network.
    pub address: Option<String>,
    /// What it does.
    pub state: InstanceState,
    /// How often the engine restarted it.
    pub restarts: u32,
    /// When it started, RFC 3339.
    pub started_at: Option<String>,
    /// Whether requests reach it now.
    pub serving: bool,
}

/// What an instance does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum InstanceState {
    /// Made, not started.
    Created,
    /// It runs.
    Running,
    /// The engine starts it again after it ended.
    Restarting {
        /// The exit code of its last end.
        exit_code: i64,
    },
    /// It ended.
    Exited {
        /// Its exit code.
        exit_code: i64,
        /// Whether the kernel ended it for want of memory.
        oom: bool,
    },
}

/// What the last probes of an environment mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// Every serving instance runs.
    Healthy,
    /// Some serve, some do not.
    Degraded,
    /// Nothing serves that should.
    Down,
    /// It cannot be told.
    Unknown,
    /// Nothing was ever released here.
    Empty,
}
