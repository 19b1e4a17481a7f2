//! The engine's handle: every use case is one method.

mod home;

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::error::EngineError;
use crate::model::{
    EngineInfo, EnvironmentName, EnvironmentStatus, LockReport, LogLine, Plan, ProjectName, Release, RolloutRecord, Setting,
};
use crate::request::{ExecRequest, ExecSession, Garbage, Gates, ProjectSummary, Run, ShipRequest, Sweep};
use crate::target::{Leave, LogQuery};

/// Where an engine keeps its state and its caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// `NONEVENT_HOME`, else the platform's data folder: databases, logs.
    pub data: PathBuf,
    /// What can be made again: wheels, layers.
    pub cache: PathBuf,
}

/// A handle to the engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    #[allow(dead_code)]
    home: Home,
}

#[allow(clippy::todo, unused_variables, clippy::unused_async, missing_docs, clippy::missing_errors_doc)]
impl Engine {
    /// Opens the engine on a home: makes its folders and databases, finishes what an ended process left in the middle. Touches no Docker.
    pub fn open(home: Home) -> Result<Self, EngineError> {
        Ok(Self { home })
    }
    /// Writes a commented `nonevent.toml`, keeping what is there; returns its path and what was added.
    pub fn init(&self, folder: &Path) -> Result<(PathBuf, Vec<String>), EngineError> {
        todo!()
    }
    /// Every effective value of a project and where it came from.
    pub fn explain(&self, folder: &Path) -> Result<Vec<Setting>, EngineError> {
        todo!()
    }
    /// Mends the project's lock by its own tool and pins images in `nonevent.lock`; returns what changed, in words.
    pub async fn lock(&self, folder: &Path) -> Result<(LockReport, Vec<String>), EngineError> {
        todo!()
    }
    /// The engine that would be used, and why.
    pub async fn docker(&self) -> Result<EngineInfo, EngineError> {
        todo!()
    }
    /// Runs the whole pipeline.
    pub async fn ship(&self, folder: &Path, request: ShipRequest) -> Result<Run, EngineError> {
        todo!()
    }
    /// Runs inspect, lock, build and gauntlet alone.
    pub async fn check(&self, folder: &Path, gates: Gates) -> Result<Run, EngineError> {
        todo!()
    }
    /// What a ship of the present release state would do, without doing it.
    pub async fn plan(&self, folder: &Path, environment: &EnvironmentName) -> Result<Plan, EngineError> {
        todo!()
    }
    /// Moves an environment to an earlier release: the given one (any unique prefix), or the last known good.
    pub async fn rollback(
        &self,
        folder: &Path,
        environment: &EnvironmentName,
        release: Option<&str>,
    ) -> Result<Run, EngineError> {
        todo!()
    }
    /// A rollout of the release that serves.
    pub async fn restart(&self, folder: &Path, environment: &EnvironmentName) -> Result<Run, EngineError> {
        todo!()
    }
    /// Removes an environment.
    pub async fn down(&self, folder: &Path, environment: &EnvironmentName, leave: Leave) -> Result<Run, EngineError> {
        todo!()
    }
    /// Observes every environment of a project.
    pub async fn status(&self, folder: &Path) -> Result<Vec<EnvironmentStatus>, EngineError> {
        todo!()
    }
    /// Releases of a project, the newest first.
    pub fn releases(&self, folder: &Path) -> Result<Vec<Release>, EngineError> {
        todo!()
    }
    /// Rollouts of a project, the newest first.
    pub fn history(&self, folder: &Path, environment: Option<&EnvironmentName>) -> Result<Vec<RolloutRecord>, EngineError> {
        todo!()
    }
    /// Reads instances' output until it ends or the receiver is dropped.
    pub async fn logs(
        &self,
        folder: &Path,
        environment: &EnvironmentName,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<LogLine>, EngineError> {
        todo!()
    }
    /// Runs a command in the serving release.
    pub async fn exec(&self, folder: &Path, request: ExecRequest) -> Result<ExecSession, EngineError> {
        todo!()
    }
    /// Where the app answers.
    pub async fn url(&self, folder: &Path, environment: &EnvironmentName) -> Result<String, EngineError> {
        todo!()
    }
    /// Finishes or undoes what an ended process left in the middle; returns what was done, in words.
    pub async fn recover(&self, folder: &Path) -> Result<Vec<String>, EngineError> {
        todo!()
    }
    /// What is ours and no longer needed.
    pub async fn gc(&self, sweep: Sweep) -> Result<Garbage, EngineError> {
        todo!()
    }
    /// Projects of this home, with their environments.
    pub async fn projects(&self) -> Result<Vec<ProjectSummary>, EngineError> {
        todo!()
    }
    /// Adds a folder to the projects of this home.
    pub fn add_project(&self, folder: &Path) -> Result<ProjectName, EngineError> {
        todo!()
    }
    /// Forgets a project; its environments go on.
    pub fn forget_project(&self, project: &ProjectName) -> Result<(), EngineError> {
        todo!()
    }
    /// Whether an environment asks for its name to be typed before a rollout.
    pub fn is_protected(&self, folder: &Path, environment: &EnvironmentName) -> Result<bool, EngineError> {
        todo!()
    }
}
