//! What all environments of a release share: health, what runs before and beside it, what is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::CommandLine;

/// What healthy means, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct HealthCheck {
    /// How it is measured.
    pub probe: HealthProbe,
    /// Time between two probes.
    pub interval: Duration,
    /// Time after which one probe has failed.
    pub timeout: Duration,
    /// Successes in a row that make an instance healthy.
    pub successes: u32,
    /// Time after which an instance that is not healthy has failed.
    pub deadline: Duration,
}

/// How health is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum HealthProbe {
    /// `GET path` answers 2xx.
    Http {
        /// The path, with its leading slash.
        path: String,
    },
    /// The port accepts a connection.
    Tcp,
    /// The command inside the instance ends with 0.
    Command(CommandLine),
    /// The container runs and does not restart.
    Running,
}

/// What a release does before its first instance starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReleaseSettings {
    /// One command in a one-off container of the new release.
    pub before_start: Option<CommandLine>,
    /// How many releases stay ready for a rollback.
    pub keep: KeepSettings,
    /// Commands that run at times, in the release that serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobSettings>,
}

/// A command that runs at times, in a one-off container of the release that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct JobSettings {
    /// Its name.
    pub name: String,
    /// When it runs, as crontab(5) writes it.
    pub schedule: String,
    /// The time zone of the schedule, by its name in the IANA database.
    pub timezone: String,
    /// What it runs.
    pub run: CommandLine,
    /// Time after which it is stopped.
    pub timeout: Duration,
}

/// How many retired releases stay ready for a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct KeepSettings {
    /// Releases, the serving one not counted.
    pub releases: u32,
    /// Bytes of their images' own layers together; the last one that served stays in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Default for KeepSettings {
    fn default() -> Self {
        Self { releases: 5, bytes: None }
    }
}
