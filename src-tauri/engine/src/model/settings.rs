//! What a project is, after its configuration was read and the rest inferred: the effective settings.

mod app;
mod environment;
mod gauntlet;
mod logs;
mod release;
mod service;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{EnvironmentName, NotifySettings};

pub use app::{AppSettings, BuildSettings, CommandLine, Framework, LockSettings, Process, ProcessKind, VolumeMount};
pub use environment::{
    AcmeSettings, EnvironmentSettings, Https, MOST_WEB_INSTANCES, ProcessPlacement, Resources, SecretDelivery,
};
pub use gauntlet::{GateBudget, GateSettings, GauntletSettings};
pub use logs::{ErrorPace, LogSettings};
pub use release::{HealthCheck, HealthProbe, JobSettings, KeepSettings, ReleaseSettings};
pub use service::{Ready, ServiceContainer, ServiceFile, ServiceMoment, ServiceSettings};

/// Every effective value of a project, with nothing left to infer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ProjectSettings {
    /// The app.
    pub app: AppSettings,
    /// How its image is built.
    pub build: BuildSettings,
    /// How strict the lock is taken.
    pub lock: LockSettings,
    /// The gates.
    pub gauntlet: GauntletSettings,
    /// The services that gates and environments may ask for.
    pub services: BTreeMap<String, ServiceSettings>,
    /// What healthy means.
    pub health: HealthCheck,
    /// What a release does before its first instance starts.
    pub release: ReleaseSettings,
    /// When people are told, and how.
    #[serde(default)]
    pub notify: NotifySettings,
    /// What becomes of what instances print.
    #[serde(default)]
    pub logs: LogSettings,
    /// Where releases run. `local` is always there.
    pub environments: BTreeMap<EnvironmentName, EnvironmentSettings>,
}

impl ProjectSettings {
    /// Returns the environments in the order in which a release goes through them: `local`, then by name, each after the one that it is
    /// promoted from.
    pub fn in_order(&self) -> Vec<(&EnvironmentName, &EnvironmentSettings)> {
        let rank = |(name, settings): &(&EnvironmentName, &EnvironmentSettings)| {
            let mut way = vec![(*name).clone()];
            let mut before = settings.after.as_ref();
            // One that is promoted from itself is refused elsewhere, and must not hold anything up here.
            while let Some(name) = before.filter(|name| !way.contains(name)) {
                way.push(name.clone());
                before = self.environments.get(name).and_then(|settings| settings.after.as_ref());
            }
            way.reverse();
            (way.first().is_none_or(|first| first.as_str() != "local"), way)
        };
        let mut ordered: Vec<_> = self.environments.iter().collect();
        ordered.sort_by_cached_key(rank);
        ordered
    }
}

/// One effective value and where it came from, as `nonevent explain` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Setting {
    /// The dotted key, such as `app.port`.
    pub key: String,
    /// The value as TOML would write it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where an effective value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A line of the configuration.
    File {
        /// The file, relative to the project.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// Read from the project's sources.
    Inferred {
        /// What was read, such as ``shop/main.py:7 `app = FastAPI()` ``.
        because: String,
    },
    /// Nonevent's own choice.
    Default,
}
