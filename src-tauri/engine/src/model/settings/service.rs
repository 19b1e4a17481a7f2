//! Real dependencies beside an app.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CommandLine, Digest};

/// A real dependency that runs beside the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceSettings {
    /// Its image.
    pub image: String,
    /// What its container runs, if not the image's own.
    pub command: Option<CommandLine>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// When it is ready.
    pub ready: Ready,
    /// The time in which it must get ready.
    pub within: Duration,
    /// Variables that it gives to whoever asks for it.
    pub provides: BTreeMap<String, String>,
    /// The folder inside the container whose content an environment keeps.
    pub data: Option<String>,
    /// What else its container is made of.
    pub container: ServiceContainer,
}

impl ServiceSettings {
    /// Time in which a service gets ready, unless something else is said.
    pub const WITHIN: Duration = Duration::from_secs(120);

    /// Starts from an image that is ready as soon as it runs.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            command: None,
            env: BTreeMap::new(),
            ready: Ready::Running,
            within: Self::WITHIN,
            provides: BTreeMap::new(),
            data: None,
            container: ServiceContainer::default(),
        }
    }

    /// Returns the services of these names, and those that they wait for.
    pub fn with_needed<'a>(
        names: impl IntoIterator<Item = &'a String>,
        services: &'a BTreeMap<String, Self>,
    ) -> BTreeMap<String, Self> {
        let mut names: Vec<&String> = names.into_iter().collect();
        let mut wanted = BTreeMap::new();
        while let Some(name) = names.pop() {
            let Some(service) = services.get(name) else { continue };
            if wanted.insert(name.clone(), service.clone()).is_none() {
                names.extend(service.container.after.keys());
            }
        }
        wanted
    }
}

/// What the container of a service is made of beyond its image, command and variables; only a compose file says it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceContainer {
    /// The program in front of its command, if not the image's own; an empty list takes the image's away.
    pub entrypoint: Option<Vec<String>>,
    /// The user that it runs as, if not the image's.
    pub user: Option<String>,
    /// The folder that it runs in, if not the image's.
    pub workdir: Option<String>,
    /// Folders in memory.
    pub tmpfs: Vec<String>,
    /// Bytes of shared memory, if not the engine's usual.
    pub shared_memory: Option<u64>,
    /// Names by which it is known besides its own.
    pub aliases: Vec<String>,
    /// Files that are put into it.
    pub files: Vec<ServiceFile>,
    /// Folders that are volumes: empty for gates, kept by an environment.
    pub volumes: Vec<String>,
    /// A port that it must accept connections on besides.
    pub port: Option<u16>,
    /// Services that must have come so far before it starts.
    pub after: BTreeMap<String, ServiceMoment>,
    /// Why it cannot be had, when it cannot.
    pub refused: Option<String>,
}

/// A file that is put into a service's container, for reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServiceFile {
    /// Where it is, relative to the project.
    pub source: PathBuf,
    /// The project's folder on this machine.
    #[serde(skip)]
    pub root: PathBuf,
    /// Where it is put.
    pub target: String,
    /// Whether it is a program.
    pub executable: bool,
    /// The sha256 of its content.
    pub digest: Digest,
}

/// How far a service must have come before one that needs it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ServiceMoment {
    /// Its container was started.
    Started,
    /// It is ready.
    Ready,
}

/// When a service is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// It accepts connections on this port.
    Port(u16),
    /// It answers a request with 2xx.
    Http {
        /// The port that it listens on.
        port: u16,
        /// The path that is asked for, with its leading slash.
        path: String,
    },
    /// This command inside it ends with 0.
    Command(CommandLine),
    /// Its output holds this text.
    Log(String),
    /// Its container runs; where its image has a health check, that passes.
    Running,
    /// It has done its work and ended with 0.
    Completed,
}
