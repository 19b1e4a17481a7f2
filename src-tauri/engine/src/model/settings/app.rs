//! What an app is, and what its image is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{ProcessName, ProjectName, Strictness};

/// The app itself: the same in every environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AppSettings {
    /// The project's identity.
    pub name: ProjectName,
    /// The framework that was recognised.
    pub framework: Framework,
    /// `MAJOR.MINOR` of the Python that the image runs.
    pub python: String,
    /// The processes of the app; one of them at most receives requests.
    pub processes: Vec<Process>,
    /// Variables for every instance, below the environment's own.
    pub env: BTreeMap<String, String>,
    /// Named volumes, kept across releases.
    pub volumes: Vec<VolumeMount>,
}

/// A framework that decides how an app is started and probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    /// FastAPI (ASGI).
    Fastapi,
    /// Starlette (ASGI).
    Starlette,
    /// Litestar (ASGI).
    Litestar,
    /// Flask (WSGI).
    Flask,
    /// Django (WSGI or ASGI).
    Django,
    /// Any ASGI callable.
    Asgi,
    /// Any WSGI callable.
    Wsgi,
    /// Streamlit.
    Streamlit,
    /// A Celery worker without a web process.
    Celery,
    /// A plain process that receives no requests.
    Worker,
    /// A command that the configuration gave, of no framework known here.
    Custom,
}

impl Framework {
    /// Returns the name that people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fastapi => "FastAPI",
            Self::Starlette => "Starlette",
            Self::Litestar => "Litestar",
            Self::Flask => "Flask",
            Self::Django => "Django",
            Self::Asgi => "ASGI app",
            Self::Wsgi => "WSGI app",
            Self::Streamlit => "Streamlit",
            Self::Celery => "Celery",
            Self::Worker => "worker",
            Self::Custom => "app",
        }
    }
}

/// One kind of instance of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Process {
    /// `web` for the one that receives requests, unless named otherwise.
    pub name: ProcessName,
    /// Whether requests reach it.
    pub kind: ProcessKind,
    /// What the container runs; an empty list leaves the image its own command.
    pub command: CommandLine,
    /// Time between SIGTERM and SIGKILL.
    pub stop_grace: Duration,
}

/// Whether requests reach a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ProcessKind {
    /// Listens on `port` inside its container.
    Web {
        /// The TCP port inside the container; `PORT` tells the process.
        port: u16,
    },
    /// Receives no requests.
    Worker,
}

/// A command as a list of arguments; a single string of the configuration runs in `/bin/sh -c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(untagged)]
pub enum CommandLine {
    /// Executed as it is.
    Exec(Vec<String>),
    /// Interpreted by `/bin/sh`.
    Shell(String),
}

impl CommandLine {
    /// Returns the argument vector that a container runs.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Exec(arguments) => arguments.clone(),
            Self::Shell(line) => vec!["/bin/sh".into(), "-c".into(), line.clone()],
        }
    }

    /// Returns the command as a person would type it.
    pub fn display(&self) -> String {
        match self {
            Self::Exec(arguments) => arguments.join(" "),
            Self::Shell(line) => line.clone(),
        }
    }
}

/// A named volume of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct VolumeMount {
    /// The volume's name inside the environment.
    pub name: String,
    /// Where instances see it.
    pub path: String,
    /// Whether only one instance may have it at a time.
    #[serde(default, skip_serializing_if = "is_shared")]
    pub exclusive: bool,
}

// Releases were made before a volume could be exclusive: their ids stay as they are.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_shared(exclusive: &bool) -> bool {
    !*exclusive
}

/// How the image is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct BuildSettings {
    /// The Dockerfile, relative to the project; without one the wheel builder works.
    pub dockerfile: Option<PathBuf>,
    /// The Dockerfile's stage to build.
    pub stage: Option<String>,
    /// Build arguments of the Dockerfile.
    pub args: BTreeMap<String, String>,
    /// Build secrets: id → file, or environment variable as `env:NAME`.
    pub secrets: BTreeMap<String, String>,
    /// The base image of the wheel builder, such as `python:3.13-slim`.
    pub base: String,
    /// Globs that are kept although a rule would leave them out.
    pub include: Vec<String>,
    /// Globs that are left out of the image.
    pub exclude: Vec<String>,
    /// A bundle of certificate authorities for the build only.
    pub ca_bundle: Option<PathBuf>,
    /// Dependency extras that the image holds.
    pub extras: Vec<String>,
    /// Dependency groups that the image holds.
    pub groups: Vec<String>,
}

/// How strict the lock is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LockSettings {
    /// What happens to a dependency without a hash.
    pub unhashed: Strictness,
}
