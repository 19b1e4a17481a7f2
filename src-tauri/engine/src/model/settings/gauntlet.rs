//! The gates of a project.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::CommandLine;

/// The gates of a project, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GauntletSettings {
    /// Every gate, the project's own included.
    pub gates: Vec<GateSettings>,
    /// Gates that must be set up.
    pub required: Vec<String>,
    /// The dependency groups that the development layer holds.
    pub groups: Vec<String>,
    /// The extras that the development layer holds.
    pub extras: Vec<String>,
    /// What gates that run side by side may use together.
    #[serde(default)]
    pub budget: GateBudget,
}

/// What gates that run side by side may use together; without a number, what suits the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateBudget {
    /// Cores.
    pub cores: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of the tools' caches that are kept between runs.
    pub cache: Option<u64>,
}

/// One gate of the gauntlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateSettings {
    /// `lint`, `format`, `types`, `unit`, `integration`, or a name of the project's.
    pub name: String,
    /// What it runs; none when the project configures no such tool.
    pub run: Option<CommandLine>,
    /// Gates that must be green before.
    pub needs: Vec<String>,
    /// Services that run beside it.
    pub services: Vec<String>,
    /// The time after which it is an error.
    pub timeout: Duration,
    /// Variables for this gate only.
    pub env: BTreeMap<String, String>,
    /// Secrets that it is given as variables, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Commands that print values of secrets that are kept nowhere, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_commands: BTreeMap<String, String>,
    /// Among how many processes its tests are divided; what suits it, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// A red gate of this kind does not stop a ship.
    pub allow_failure: bool,
    /// Whether it may reach a network beyond its services.
    pub network: bool,
    /// Whether it is given the engine's socket.
    pub docker: bool,
    /// How often failed tests run again; those that pass then are flaky.
    #[serde(default)]
    pub retries: u32,
}

impl GateSettings {
    /// The time after which a gate is an error, unless it says otherwise.
    pub const TIMEOUT: Duration = Duration::from_mins(10);

    /// A gate that asks for nothing beyond the image.
    pub fn new(name: impl Into<String>, run: Option<CommandLine>) -> Self {
        Self {
            name: name.into(),
            run,
            needs: Vec::new(),
            services: Vec::new(),
            timeout: Self::TIMEOUT,
            env: BTreeMap::new(),
            secrets: Vec::new(),
            secret_commands: BTreeMap::new(),
            workers: None,
            allow_failure: false,
            network: false,
            docker: false,
            retries: 0,
        }
    }
}
