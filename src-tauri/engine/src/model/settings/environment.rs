//! What one environment adds to a release.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{EnvironmentName, NotifyLevel, ProbeSettings, ProcessName, Strategy, Tolerance};

/// Instances between which requests are shared out, at most.
pub const MOST_WEB_INSTANCES: u16 = 32;

/// A named place where releases run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct EnvironmentSettings {
    /// The engine behind it: `docker` for the local one, or a URL.
    pub target: String,
    /// The public host name; `<app>.localhost` for `local`, `<environment>.<app>.localhost` for other local ones.
    pub domain: String,
    /// How requests reach it by HTTPS.
    pub https: Https,
    /// Instances of the web process.
    pub replicas: u16,
    /// What it changes for single processes.
    pub processes: BTreeMap<ProcessName, ProcessPlacement>,
    /// Variables, above the app's own.
    pub env: BTreeMap<String, String>,
    /// Names of the secrets that instances need.
    pub secrets: Vec<String>,
    /// Commands that print values of secrets that are kept nowhere, by name.
    #[serde(default)]
    pub secret_commands: BTreeMap<String, String>,
    /// How secrets reach instances.
    pub secret_delivery: SecretDelivery,
    /// Services that are kept here, on volumes.
    pub services: Vec<String>,
    /// The environment in which a release must have baked before.
    pub after: Option<EnvironmentName>,
    /// Its name must be typed before a rollout.
    pub protected: bool,
    /// Limits of each instance.
    pub resources: Resources,
    /// Time that old instances stay warm after the switch.
    pub bake: Duration,
    /// Time that requests in flight have to end.
    pub drain: Duration,
    /// How it moves from one release to another.
    pub strategy: Strategy,
    /// Time that each step of a canary, or each batch, is watched.
    pub pause: Duration,
    /// How much worse a new release may be.
    pub tolerance: Tolerance,
    /// How what serves is watched.
    #[serde(default)]
    pub probes: Vec<ProbeSettings>,
    /// Addresses, `host:port`, of which one answers whenever this machine has a network.
    #[serde(default)]
    pub neighbours: Vec<String>,
    /// What people are told of it.
    #[serde(default)]
    pub notify: NotifyLevel,
}

/// How requests reach an environment by HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Https {
    /// Not at all.
    #[default]
    Off,
    /// Beside HTTP, with a certificate of this laptop's own authority.
    Local,
    /// In place of HTTP, with a certificate that the proxy gets from a public authority.
    Acme(AcmeSettings),
}

/// The authority that an environment's certificate comes from, by ACME (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AcmeSettings {
    /// The URL of its directory.
    pub directory: String,
    /// Whom it may write to.
    pub email: Option<String>,
    /// A file with the authorities that vouch for the directory itself, below the project's root; those of the system always do.
    pub ca_bundle: Option<PathBuf>,
}

/// What an environment changes for one process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProcessPlacement {
    /// Its instances.
    pub replicas: Option<u16>,
}

/// How a secret's value reaches an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SecretDelivery {
    /// As an environment variable.
    #[default]
    Env,
    /// As a file of mode 0400.
    File,
}

/// Limits of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Resources {
    /// Bytes of memory.
    pub memory: u64,
    /// Cores.
    pub cpus: f64,
    /// Processes and threads.
    pub pids: i64,
}

impl Default for Resources {
    fn default() -> Self {
        Self { memory: 512 * 1024 * 1024, cpus: 1.0, pids: 512 }
    }
}
