//! The engine's handle: every use case is one method.

mod back;
mod begin;
mod choose;
mod compared;
mod health;
mod home;
mod jobs;
mod locks;
mod pages;
mod plans;
mod results;
mod room;
mod trust;
mod watch;

pub use watch::Watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::certificates::Authority;
use crate::docker::Docker;
use crate::error::EngineError;
use crate::gauntlet;
use crate::image::tool_volumes;
use crate::model::{
    EngineInfo, EnvironmentName, EnvironmentSettings, EnvironmentStatus, LockReport, LogLine, ProjectName, Release,
    RolloutReason, RolloutRecord, RunId, RunRecord, RunState, ServiceSettings, Setting,
};
use crate::pipeline::changes::SourceChanges;
use crate::pipeline::deliver::{Delivery, deliver};
use crate::pipeline::images;
use crate::pipeline::prove::{Allowed, prove};
use crate::pipeline::release::PrefixError;
use crate::pipeline::turn::take_turn;
use crate::pipeline::{self, Context};
use crate::process;
use crate::project::{self, Project};
use crate::request::{
    Allow, Asked, Bake, CheckRequest, Done, ExecRequest, Garbage, Outcome, Preview, ProjectSummary, Run, ShipRequest, Sweep,
};
use crate::rollout::{self, Lease};
use crate::status;
use crate::store::{KnownProject, Store};
use crate::target::docker::{DockerTarget, Options, Scope};
use crate::target::{Leave, LogQuery, Place, Session, Target};
use choose::{Records, Which};

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
    asked: Asked,
}

impl Engine {
    /// Opens the engine on a home, making its folders and databases as needed. Touches no Docker.
    ///
    /// # Errors
    /// When the folder cannot be used, or a newer version wrote it.
    pub fn open(home: Home) -> Result<Self, EngineError> {
        let store = Store::open(&home.data)?;
        Ok(Self { home: Arc::new(home), store, asked: Asked::default() })
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

    /// Runs the whole pipeline.
    ///
    /// # Errors
    /// When the project cannot be read or the environment does not exist; what happens later is told by the run.
    pub fn ship(&self, folder: &Path, request: ShipRequest) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, &request.environment)?;
        let engine = self.clone();
        let (settings, name) = (project.settings.app.name.clone(), name.clone());
        pipeline::start(&self.store, settings, Some(name.clone()), "ship", move |context| async move {
            engine.ship_it(&context, &project, &name, &request).await
        })
    }

    async fn ship_it(
        &self,
        context: &Context,
        project: &Project,
        name: &EnvironmentName,
        request: &ShipRequest,
    ) -> Result<Outcome, EngineError> {
        let (_, environment) = environment(project, name)?;
        refuse_dirty(project, name, request.dirty)?;
        let docker = Docker::connect().await?;
        self.clean_after_dead_runs(&docker).await?;
        let target = self.target(&docker, project, environment)?;
        let (release, reason) = match &environment.after {
            Some(before) => (self.promoted(target.as_ref(), project, before).await?, RolloutReason::Promote),
            None => {
                self.look_for_room(context, &docker, &project.settings.app.name).await?;
                let allowed = Allowed { untested: request.untested, gates: request.gates, after_red: request.after_red };
                (prove(context, &docker, &self.home.cache, project, allowed).await?.release, RolloutReason::Ship)
            }
        };
        let which = Which::This(Box::new(release));
        self.deliver(context, &docker, target, project, name, which, reason, (request.bake, request.preview)).await
    }

    /// Runs inspect, lock, build and gauntlet alone.
    ///
    /// # Errors
    /// When the project cannot be read; what happens later is told by the run.
    pub fn check(&self, folder: &Path, request: CheckRequest) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let engine = self.clone();
        pipeline::start(&self.store, project.settings.app.name.clone(), None, "check", move |context| async move {
            let docker = Docker::connect().await?;
            engine.clean_after_dead_runs(&docker).await?;
            engine.look_for_room(&context, &docker, &project.settings.app.name).await?;
            let allowed = Allowed { untested: Allow::Yes, gates: request.gates, after_red: request.after_red };
            let proven = prove(&context, &docker, &engine.home.cache, &project, allowed).await?;
            Ok(Outcome { environment: None, release: Some(proven.release.id), url: None, done: Done::Checked })
        })
    }

    /// Watches a project's source, as far as its gates could see it.
    ///
    /// # Errors
    /// When the project cannot be read, or the system cannot watch it.
    pub async fn watch_source(&self, folder: &Path) -> Result<SourceChanges, EngineError> {
        pipeline::changes::watch(&self.open_project(folder)?).await
    }

    /// Moves an environment to an earlier release: the given one (any unique prefix), or the last known good.
    ///
    /// # Errors
    /// When there is no such release; what happens later is told by the run.
    pub async fn rollback(&self, folder: &Path, name: &EnvironmentName, release: Option<&str>) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let docker = Docker::connect().await?;
        let target = self.target(&docker, &project, environment)?;
        let which = Which::Earlier(release.map(str::to_owned));
        // What cannot be is said before a run begins; it is decided again once the lock is held.
        let chosen = self.choose(&docker, target.as_ref(), &project, name, &which).await?;
        let which = Which::Decided(Box::new(chosen), Box::new(which));
        let (engine, name, app) = (self.clone(), name.clone(), project.settings.app.name.clone());
        pipeline::start(&self.store, app.clone(), Some(name.clone()), "rollback", move |context| async move {
            engine.end_waiting(&app, &name).await?;
            let told = (Bake::Wait, Preview::Tell);
            engine.deliver(&context, &docker, target, &project, &name, which, RolloutReason::Rollback, told).await
        })
    }

    /// Starts a rollout of the release that serves.
    ///
    /// # Errors
    /// When nothing serves; what happens later is told by the run.
    pub async fn restart(&self, folder: &Path, name: &EnvironmentName) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let docker = Docker::connect().await?;
        let target = self.target(&docker, &project, environment)?;
        self.choose(&docker, target.as_ref(), &project, name, &Which::Serving).await?;
        let (engine, name, app) = (self.clone(), name.clone(), project.settings.app.name.clone());
        pipeline::start(&self.store, app, Some(name.clone()), "restart", move |context| async move {
            let told = (Bake::Wait, Preview::Tell);
            engine.deliver(&context, &docker, target, &project, &name, Which::Serving, RolloutReason::Restart, told).await
        })
    }

    /// Removes an environment.
    ///
    /// # Errors
    /// When the environment does not exist; what happens later is told by the run.
    pub async fn down(&self, folder: &Path, name: &EnvironmentName, leave: Leave) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let docker = Docker::connect().await?;
        let target = self.target(&docker, &project, environment)?;
        let place = place(&project, name);
        let (name, asked) = (name.clone(), self.asked.clone());
        pipeline::start(&self.store, place.project.clone(), Some(name.clone()), "down", move |context| async move {
            let lease = take_turn(&context.asked_for(&asked), &target, &place, "down").await?;
            let result = target.down(lease.fence(), leave).await;
            lease.release().await?;
            result?;
            Ok(Outcome { environment: Some(name), release: None, url: None, done: Done::Removed })
        })
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
        for (name, environment) in &project.settings.environments {
            let observed = match &docker {
                Ok(docker) => self.observe_one(docker, project, name, environment).await,
                Err(error) => Err(EngineError::user("engine_unreachable", error.to_string())),
            };
            statuses.push(match observed {
                Ok(status) => status,
                Err(error) => status::unreachable(&place(project, name), &error),
            });
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

    /// Learns what every environment's target tells; without an engine, memory alone has to do.
    async fn learn_all(&self, project: &Project) {
        let Ok(docker) = Docker::connect().await else { return };
        for (name, environment) in &project.settings.environments {
            let Ok(target) = self.target(&docker, project, environment) else { continue };
            if let Err(error) = self.learn(target.as_ref(), &place(project, name)).await {
                tracing::debug!(%error, "what the target remembers was not learned");
            }
        }
    }

    /// Lists those of a project's newest runs that go on, the newest first.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub fn running(&self, folder: &Path, newest: u32) -> Result<Vec<RunRecord>, EngineError> {
        let runs = self.runs(&self.open_project(folder)?.settings.app.name, newest)?;
        Ok(runs.into_iter().filter(|run| run.state == RunState::Running).collect())
    }

    /// Reads instances' output until it ends or the receiver is dropped; first what the command before the start of what serves printed.
    ///
    /// # Errors
    /// When the project cannot be read or no engine answers.
    pub async fn logs(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        query: LogQuery,
    ) -> Result<mpsc::Receiver<LogLine>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let place = place(&project, name);
        let before = match query.instance {
            Some(_) => Vec::new(),
            None => self.lines_before(target.as_ref(), &place, query.tail).await?,
        };
        let (sender, receiver) = mpsc::channel(1024);
        tokio::spawn(async move {
            for line in before {
                if sender.send(line).await.is_err() {
                    return;
                }
            }
            if let Err(error) = target.logs(&place, &query, &sender).await {
                tracing::warn!(%error, "reading logs ended");
            }
        });
        Ok(receiver)
    }

    /// What the command before the start of what serves printed, as far as this home remembers it.
    async fn lines_before(&self, target: &dyn Target, place: &Place, tail: Option<u32>) -> Result<Vec<LogLine>, EngineError> {
        let Some(serving) = target.observe(place).await?.serving else { return Ok(Vec::new()) };
        let lines = self.store.kept_lines(&serving.record.rollout)?;
        let tail = tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(usize::MAX);
        let kept = lines.iter().skip(lines.len().saturating_sub(tail));
        Ok(kept.map(|line| LogLine { source: "before_start".to_owned(), ..line.clone() }).collect())
    }

    /// Runs a command in the serving release.
    ///
    /// # Errors
    /// When nothing serves or the engine refuses.
    pub async fn exec(&self, folder: &Path, request: ExecRequest) -> Result<Session, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, &request.environment)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let observed = target.observe(&place(&project, name)).await?;
        let serving = observed.serving.ok_or_else(|| nothing_serves(name))?;
        let instance = observed
            .instances
            .iter()
            .filter(|instance| instance.rollout == serving.record.rollout)
            .max_by_key(|instance| instance.serving)
            .ok_or_else(|| nothing_serves(name))?;
        Ok(target.exec(&instance.id, &request.command, request.terminal).await?)
    }

    /// Returns where the app answers.
    ///
    /// # Errors
    /// When nothing serves, or the app receives no requests.
    pub async fn url(&self, folder: &Path, name: &EnvironmentName) -> Result<String, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let status = self.observe_one(&Docker::connect().await?, &project, name, environment).await?;
        status.url.ok_or_else(|| nothing_serves(name))
    }

    /// Ends what an ended process left in the middle and learns the releases that serve; returns what was done, in words.
    ///
    /// # Errors
    /// When the target does not answer, or a living process works on an environment.
    pub async fn recover(&self, folder: &Path, only: Option<&EnvironmentName>) -> Result<Vec<String>, EngineError> {
        let project = self.open_project(folder)?;
        if let Some(name) = only {
            environment(&project, name)?;
        }
        let docker = Docker::connect().await?;
        let mut done = Vec::new();
        for (name, environment) in project.settings.environments.iter().filter(|(name, _)| only.is_none_or(|only| only == *name))
        {
            let Ok(target) = self.target(&docker, &project, environment) else { continue };
            done.extend(self.recover_one(target, &project, name).await?.into_iter().map(|words| format!("{name}: {words}")));
        }
        Ok(done)
    }

    async fn recover_one(
        &self,
        target: Arc<dyn Target>,
        project: &Project,
        name: &EnvironmentName,
    ) -> Result<Vec<String>, EngineError> {
        let place = place(project, name);
        let mut done = Vec::new();
        let known = self.store.releases(&place.project)?;
        let records = self.learn(target.as_ref(), &place).await?;
        for record in records.serving.iter().chain(&records.earlier) {
            if known.iter().all(|release| release.id != record.release.id) {
                done.push(format!("learned release {} from the target", record.release.id));
            }
        }
        let observed = target.observe(&place).await?;
        let unfinished = self.store.unfinished_rollouts(&place.project, name)?;
        if unfinished.is_empty() && rollout::leftovers(&observed).is_empty() {
            return Ok(done);
        }
        let (sender, _) = mpsc::channel(1);
        let context = Context::new(
            self.store.clone(),
            place.project.clone(),
            RunId::generate(),
            process::who(),
            sender,
            tokio_util::sync::CancellationToken::new(),
        );
        let lease = Lease::acquire(Arc::clone(&target), &place, context.by(), "recover").await?;
        let recovered = rollout::recover(&context, target.as_ref(), lease.fence(), &unfinished).await;
        lease.release().await?;
        done.extend(recovered?);
        Ok(done)
    }

    /// Finds, or removes, what is ours and no longer needed.
    ///
    /// # Errors
    /// When no engine answers.
    pub async fn gc(&self, sweep: Sweep) -> Result<Garbage, EngineError> {
        let docker = Docker::connect().await?;
        let target = DockerTarget::new(&docker, self.options(images::PROXY.to_owned()))?;
        // What other laptops released stays as well: without knowing of it, their images would look like waste.
        let known = self.store.projects()?;
        for place in target.places().await?.into_iter().filter(|place| known.iter().any(|known| known.name == place.project)) {
            self.learn(&target, &place).await?;
        }
        let waste = target.garbage(&self.kept()?).await?;
        if sweep == Sweep::Remove {
            target.sweep(&waste).await?;
        }
        let mut items: Vec<(String, u64)> =
            waste.iter().map(|one| (format!("{} {}", one.kind.word(), one.name), one.bytes)).collect();
        items.extend(self.wasted_caches(&docker, sweep).await?);
        Ok(Garbage { bytes: items.iter().map(|(_, bytes)| bytes).sum(), items })
    }

    /// Finds, or removes, tools' caches of projects whose folder is gone, and those that were not used for a month.
    async fn wasted_caches(&self, docker: &Docker, sweep: Sweep) -> Result<Vec<(String, u64)>, EngineError> {
        let projects = self.store.projects()?;
        let mut items = Vec::new();
        for (project, cache) in self.store.gate_caches()? {
            let lives = projects.iter().any(|known| known.name == project && known.folder.is_dir());
            let spared = usize::from(lives && !cache.is_unused());
            for tools in tool_volumes(docker, &project).await?.into_iter().rev().skip(spared) {
                if is_removed(docker, &tools, sweep).await {
                    items.push((format!("volume {tools}"), 0));
                }
            }
            if spared == 0 && is_removed(docker, &gauntlet::cache::volume(&project), sweep).await {
                items.push((format!("caches of the gates of {project}"), cache.bytes));
                if sweep == Sweep::Remove {
                    self.store.forget_gate_cache(&project)?;
                }
            }
        }
        Ok(items)
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

    /// Takes away what gates of a run left whose process is gone.
    async fn clean_after_dead_runs(&self, docker: &Docker) -> Result<(), EngineError> {
        let dead = self.store.abandon_dead_runs(process::runs)?;
        if let Err(error) = gauntlet::clean_leftovers(docker, &dead).await {
            tracing::warn!(%error, "what an ended run left behind was not taken away");
        }
        Ok(())
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
        Ok(Arc::new(DockerTarget::new(docker, self.options(images::proxy(project)?))?))
    }

    fn options(&self, proxy_image: String) -> Options {
        Options { authority: Some(Authority::of(&self.home.data)), ..Options::new(Scope::from_environment(), proxy_image) }
    }

    #[allow(clippy::too_many_arguments)]
    async fn deliver(
        &self,
        context: &Context,
        docker: &Docker,
        target: Arc<dyn Target>,
        project: &Project,
        name: &EnvironmentName,
        which: Which,
        reason: RolloutReason,
        (wait, preview): (Bake, Preview),
    ) -> Result<Outcome, EngineError> {
        let (_, environment) = environment(project, name)?;
        let wanted = ServiceSettings::with_needed(&environment.services, &project.settings.services);
        let services = images::pin_services(docker, project, wanted).await?;
        let context = context.asked_for(&self.asked);
        let place = place(project, name);
        let lease = take_turn(&context, &target, &place, &purpose(reason, &which)).await?;
        let delivered = async {
            let chosen = self.choose(docker, target.as_ref(), project, name, &which).await?;
            let context = context.passing_over(chosen.anyway);
            let (settings, release, root) = (&project.settings, &chosen.release, project.root.as_path());
            let consent = self.asked.consent;
            let delivery = Delivery { settings, name, environment, release, reason, wait, preview, consent, root, services };
            deliver(&context, target.as_ref(), &lease, delivery).await
        };
        let delivered = delivered.await;
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lock could not be given back; it counts as left behind in 30 s");
        }
        delivered
    }

    fn newest(&self, project: &Project) -> Result<Release, EngineError> {
        let releases = self.store.releases(&project.settings.app.name)?;
        releases.into_iter().next().ok_or_else(|| {
            EngineError::user("no_release", "nothing of this project was released yet").with_hint("run `nonevent ship`")
        })
    }
}

/// What is done, as whoever is refused the lock reads it.
fn purpose(reason: RolloutReason, which: &Which) -> String {
    match which {
        Which::This(release) => format!("{} {}", reason.word(), release.id),
        Which::Earlier(Some(prefix)) => format!("{} {prefix}", reason.word()),
        Which::Decided(chosen, _) => format!("{} {}", reason.word(), chosen.release.id),
        Which::Earlier(None) | Which::Serving => reason.word().to_owned(),
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

fn refuse_dirty(project: &Project, name: &EnvironmentName, dirty: Allow) -> Result<(), EngineError> {
    let source = project.source_state();
    if !source.dirty || dirty == Allow::Yes || name.as_str() == "local" {
        return Ok(());
    }
    let what = if source.commit.is_some() {
        "the tree has uncommitted changes"
    } else {
        "the tree is not committed to Git, uncommitted changes cannot be told"
    };
    Err(EngineError::user("dirty_tree", format!("{what}, which go to `local` only"))
        .with_hint("commit them (`nonevent.lock` belongs into the commit too), or ship them all the same with `--dirty`"))
}

fn nothing_serves(name: &EnvironmentName) -> EngineError {
    EngineError::user("nothing_serves", format!("nothing serves in {name}")).with_hint(format!("run `nonevent ship {name}`"))
}

fn missing_lock(root: &Path) -> EngineError {
    let finding = project::lock::missing(root);
    EngineError::user("lock_missing", finding.message).with_hint(finding.hint)
}

/// Removes a volume of gates, or says that it would be.
async fn is_removed(docker: &Docker, volume: &str, sweep: Sweep) -> bool {
    match sweep {
        Sweep::Tell => true,
        Sweep::Remove => gauntlet::cache::remove(docker, volume).await.unwrap_or_else(|error| {
            tracing::warn!(volume, %error, "a volume of gates was not removed");
            false
        }),
    }
}
