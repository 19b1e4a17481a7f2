//! The engine's handle: every use case is one method.

mod back;
mod begin;
mod choose;
mod cleaning;
mod compared;
mod confirmed;
mod glance;
mod health;
mod home;
mod jobs;
mod locks;
mod logs;
mod moving;
mod pages;
mod plans;
mod reading;
mod readings;
mod recovering;
mod results;
mod room;
mod secrets;
mod trust;
mod watch;

pub use watch::Watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::certificates::Authority;
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{
    EngineInfo, EnvironmentName, EnvironmentSettings, EnvironmentStatus, LockReport, ProjectName, Release, RolloutRecord, RunId,
    RunRecord, RunState, Setting,
};
use crate::pipeline;
use crate::pipeline::changes::SourceChanges;
use crate::pipeline::images;
use crate::pipeline::prove::{Allowed, prove};
use crate::pipeline::release::PrefixError;
use crate::pipeline::secrets::{Needs, require};
use crate::project::{self, Project};
use crate::request::{Allow, Asked, CheckRequest, Done, Outcome, ProjectSummary, Run};
use crate::status;
use crate::store::{KnownProject, Store};
use crate::target::docker::{DockerTarget, Options, Scope};
use crate::target::{Place, Target};
use crate::vault::Vaults;
use choose::Records;

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
    home: Arc<Home>,
    store: Store,
    vaults: Vaults,
    asked: Asked,
}

impl Engine {
    /// Opens the engine on a home, making its folders and databases as needed. Touches no Docker.
    ///
    /// # Errors
    /// When the folder cannot be used, or a newer version wrote it.
    pub fn open(home: Home) -> Result<Self, EngineError> {
        let store = Store::open(&home.data)?;
        let vaults = Vaults::new(&home.data, &store);
        secrets::offer_logins(&vaults);
        Ok(Self { home: Arc::new(home), store, vaults, asked: Asked::default() })
    }

    /// Returns a handle whose runs are asked for in this way: with a reason, or ready to wait.
    #[must_use]
    pub fn asked(&self, asked: Asked) -> Self {
        Self { asked, ..self.clone() }
    }

    /// Writes a commented `nonevent.toml`, keeping what is there; returns its path and what was added.
    ///
    /// # Errors
    /// When the folder is no project or its configuration cannot be read.
    pub fn init(&self, folder: &Path) -> Result<(PathBuf, Vec<String>), EngineError> {
        let report = project::init(folder)?;
        Ok((report.path, report.added))
    }

    /// Returns every effective value of a project and where it came from.
    ///
    /// # Errors
    /// When the folder is no project or its configuration cannot be read.
    pub fn explain(&self, folder: &Path) -> Result<Vec<Setting>, EngineError> {
        Ok(Project::open(folder)?.explained)
    }

    /// Returns the engine that is used, and why that one.
    ///
    /// # Errors
    /// When none answers.
    pub async fn docker(&self) -> Result<EngineInfo, EngineError> {
        Ok(Docker::connect().await?.info)
    }

    /// Mends the project's lock by its own tool and pins images in `nonevent.lock`; returns what changed, in words.
    ///
    /// # Errors
    /// When the tool is missing or fails, or an image cannot be resolved.
    pub async fn lock(&self, folder: &Path) -> Result<(LockReport, Vec<String>), EngineError> {
        let project = Project::open(folder)?;
        let mut changed = Vec::new();
        let found = project::lock::find(&project.root)?;
        if found.as_ref().is_none_or(|lock| !lock.check().findings.is_empty()) {
            changed.extend(project::lock::mend(&project.root, found.as_ref()).await?);
        }
        changed.extend(images::pin_all(&Docker::connect().await?, &project, &self.home.cache).await?);
        let lock = project::lock::find(&project.root)?.ok_or_else(|| missing_lock(&project.root))?;
        Ok((lock.check(), changed))
    }

    /// Runs inspect, lock, build and gauntlet alone.
    ///
    /// # Errors
    /// When the project cannot be read; what happens later is told by the run.
    pub fn check(&self, folder: &Path, request: CheckRequest) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let engine = self.clone();
        pipeline::start(
            (&self.store, &self.vaults),
            project.settings.app.name.clone(),
            None,
            "check",
            move |context| async move {
                let (app, gauntlet) = (&project.settings.app.name, &project.settings.gauntlet);
                require(&engine.vaults, &[Needs::of_gauntlet(app, &project.root, gauntlet)]).await?;
                let docker = Docker::connect().await?;
                engine.clean_after_dead_runs(&docker).await?;
                engine.look_for_room(&context, &docker, &project.settings.app.name).await?;
                let allowed = Allowed { untested: Allow::Yes, gates: request.gates, after_red: request.after_red };
                let proven = Box::pin(prove(&context, &docker, &engine.home.cache, &project, allowed)).await?;
                Ok(Outcome { environment: None, release: Some(proven.release.id), url: None, done: Done::Checked })
            },
        )
    }

    /// Watches a project's source, as far as its gates could see it.
    ///
    /// # Errors
    /// When the project cannot be read, or the system cannot watch it.
    pub async fn watch_source(&self, folder: &Path) -> Result<SourceChanges, EngineError> {
        pipeline::changes::watch(&self.open_project(folder)?).await
    }

    /// Observes every environment of a project.
    ///
    /// # Errors
    /// When the project cannot be read. An engine that does not answer is told by each status.
    pub async fn status(&self, folder: &Path) -> Result<Vec<EnvironmentStatus>, EngineError> {
        let project = self.open_project(folder)?;
        Ok(self.observe_all(&project).await)
    }

    async fn observe_all(&self, project: &Project) -> Vec<EnvironmentStatus> {
        let docker = Docker::connect().await;
        let mut statuses = Vec::new();
        for (name, environment) in project.settings.in_order() {
            let observed = match &docker {
                Ok(docker) => self.observe_one(docker, project, name, environment).await,
                Err(error) => Err(EngineError::user("engine_unreachable", error.to_string())),
            };
            let mut status = match observed {
                Ok(status) => status,
                Err(error) => status::unreachable(&place(project, name), &error),
            };
            status.lacks = self.lacking(project, name).await;
            statuses.push(status);
        }
        statuses
    }

    async fn observe_one(
        &self,
        docker: &Docker,
        project: &Project,
        name: &EnvironmentName,
        environment: &EnvironmentSettings,
    ) -> Result<EnvironmentStatus, EngineError> {
        let target = self.target(docker, project, environment)?;
        let place = place(project, name);
        let observed = target.observe(&place).await?;
        Ok(status::of(&place, observed))
    }

    /// Lists the releases of a project, the newest first, with those of other laptops that the target still tells of.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub async fn releases(&self, folder: &Path) -> Result<Vec<Release>, EngineError> {
        let project = self.open_project(folder)?;
        self.learn_all(&project).await;
        Ok(self.store.releases(&project.settings.app.name)?)
    }

    /// Lists the rollouts of a project, the newest first, with those of other laptops that the target still tells of.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub async fn history(&self, folder: &Path, name: Option<&EnvironmentName>) -> Result<Vec<RolloutRecord>, EngineError> {
        let project = self.open_project(folder)?;
        self.learn_all(&project).await;
        Ok(self.store.rollouts(&project.settings.app.name, name, u32::MAX)?)
    }

    /// Learns the releases and rollouts of other laptops that a project's targets still tell of; says whether any was new. Learns nothing
    /// where no engine answers.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub async fn learn_history(&self, project: &ProjectName) -> Result<bool, EngineError> {
        Ok(self.learn_all(&Project::open(&self.folder_of(project)?)?).await)
    }

    /// Learns what every environment's target tells, and whether any of it was new; without an engine, memory alone has to do.
    async fn learn_all(&self, project: &Project) -> bool {
        let Ok(docker) = Docker::connect().await else { return false };
        let mut new = false;
        for (name, environment) in &project.settings.environments {
            let Ok(target) = self.target(&docker, project, environment) else { continue };
            match self.learn(target.as_ref(), &place(project, name)).await {
                Ok(learned) => new |= learned.new,
                Err(error) => tracing::debug!(%error, "what the target remembers was not learned"),
            }
        }
        new
    }

    /// Lists those of a project's newest runs that go on, the newest first.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub fn running(&self, folder: &Path, newest: u32) -> Result<Vec<RunRecord>, EngineError> {
        let runs = self.runs(&self.open_project(folder)?.settings.app.name, newest)?;
        Ok(runs.into_iter().filter(|run| run.state == RunState::Running).collect())
    }

    /// Asks whoever works on a run, in this process or another one, to stop it; says whether it was running.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn cancel(&self, run: &RunId) -> Result<bool, EngineError> {
        Ok(self.store.ask_to_cancel(run)?)
    }

    /// Lists the projects of this home with their environments, observed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn projects(&self) -> Result<Vec<ProjectSummary>, EngineError> {
        let mut summaries = Vec::new();
        for KnownProject { name, folder } in self.store.projects()? {
            let environments = match Project::open(&folder) {
                Ok(project) => self.observe_all(&project).await,
                Err(_) => Vec::new(),
            };
            summaries.push(ProjectSummary { name, folder, environments });
        }
        Ok(summaries)
    }

    /// Adds a folder to the projects of this home.
    ///
    /// # Errors
    /// When the folder is no project.
    pub fn add_project(&self, folder: &Path) -> Result<ProjectName, EngineError> {
        Ok(self.open_project(folder)?.settings.app.name)
    }

    /// Forgets a project; its environments go on.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_project(&self, project: &ProjectName) -> Result<(), EngineError> {
        Ok(self.store.forget_project(project)?)
    }

    /// Tells whether an environment asks for its name to be typed before a rollout.
    ///
    /// # Errors
    /// When the environment does not exist.
    pub fn is_protected(&self, folder: &Path, name: &EnvironmentName) -> Result<bool, EngineError> {
        Ok(environment(&Project::open(folder)?, name)?.1.protected)
    }

    /// Opens a project and remembers where it is.
    fn open_project(&self, folder: &Path) -> Result<Project, EngineError> {
        let project = Project::open(folder)?;
        self.store.remember_project(&project.settings.app.name, &project.root)?;
        Ok(project)
    }

    fn target(
        &self,
        docker: &Docker,
        project: &Project,
        environment: &EnvironmentSettings,
    ) -> Result<Arc<dyn Target>, EngineError> {
        if environment.target != "docker" {
            return Err(EngineError::user(
                "target_unsupported",
                format!("the target `{}` is not supported yet", environment.target),
            )
            .with_hint("leave `target` out to use the local Docker engine"));
        }
        let keeper = logs::LastLines { home: self.home.data.clone(), budget: project.settings.logs.keep_bytes };
        Ok(Arc::new(DockerTarget::new(docker, self.options(images::proxy(project)?))?.kept_by(Arc::new(keeper))))
    }

    fn options(&self, proxy_image: String) -> Options {
        Options { authority: Some(Authority::of(&self.home.data)), ..Options::new(Scope::from_environment(), proxy_image) }
    }

    fn newest(&self, project: &Project) -> Result<Release, EngineError> {
        let releases = self.store.releases(&project.settings.app.name)?;
        releases.into_iter().next().ok_or_else(|| {
            EngineError::user("no_release", "nothing of this project was released yet").with_hint("run `nonevent ship`")
        })
    }
}

fn unknown_release(error: PrefixError) -> EngineError {
    EngineError::user("release_unknown", error.to_string()).with_hint("`nonevent releases` lists them")
}

fn place(project: &Project, name: &EnvironmentName) -> Place {
    Place { project: project.settings.app.name.clone(), environment: name.clone() }
}

fn environment<'a>(
    project: &'a Project,
    name: &EnvironmentName,
) -> Result<(&'a EnvironmentName, &'a EnvironmentSettings), EngineError> {
    project.settings.environments.get_key_value(name).ok_or_else(|| {
        let known: Vec<&str> = project.settings.environments.keys().map(EnvironmentName::as_str).collect();
        EngineError::user("environment_unknown", format!("the project has no environment `{name}`"))
            .with_hint(format!("it has {}; add `[environments.{name}]` to make another", known.join(", ")))
    })
}

fn nothing_serves(name: &EnvironmentName) -> EngineError {
    EngineError::user("nothing_serves", format!("nothing serves in {name}")).with_hint(format!("run `nonevent ship {name}`"))
}

fn missing_lock(root: &Path) -> EngineError {
    let finding = project::lock::missing(root);
    EngineError::user("lock_missing", finding.message).with_hint(finding.hint)
}
