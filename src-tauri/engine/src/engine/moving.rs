//! Moves: what takes an environment from one release to another.

use std::path::Path;
use std::sync::Arc;

use super::choose::Which;
use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, RolloutReason, ServiceSettings};
use crate::pipeline::deliver::{Delivery, deliver};
use crate::pipeline::prove::{Allowed, prove};
use crate::pipeline::turn::take_turn;
use crate::pipeline::{self, Context, images};
use crate::project::Project;
use crate::request::{Allow, Bake, Done, Outcome, Preview, Run, ShipRequest};
use crate::target::{Leave, Target};

impl Engine {
    /// Runs the whole pipeline.
    ///
    /// # Errors
    /// When the project cannot be read or the environment does not exist; what happens later is told by the run.
    pub fn ship(&self, folder: &Path, request: ShipRequest) -> Result<Run, EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, &request.environment)?;
        let engine = self.clone();
        let (settings, name) = (project.settings.app.name.clone(), name.clone());
        pipeline::start((&self.store, &self.vaults), settings, Some(name.clone()), "ship", move |context| async move {
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
        Box::pin(self.require_secrets(project, name, environment.after.is_none())).await?;
        let docker = Docker::connect().await?;
        self.clean_after_dead_runs(&docker).await?;
        let target = self.target(&docker, project, environment)?;
        let (release, reason) = match &environment.after {
            Some(before) => (self.promoted(target.as_ref(), project, before).await?, RolloutReason::Promote),
            None => {
                self.look_for_room(context, &docker, &project.settings.app.name).await?;
                let allowed = Allowed { untested: request.untested, gates: request.gates, after_red: request.after_red };
                (Box::pin(prove(context, &docker, &self.home.cache, project, allowed)).await?.release, RolloutReason::Ship)
            }
        };
        let which = Which::This(Box::new(release));
        self.deliver(context, &docker, target, project, name, which, reason, (request.bake, request.preview)).await
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
        pipeline::start((&self.store, &self.vaults), app.clone(), Some(name.clone()), "rollback", move |context| async move {
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
        pipeline::start((&self.store, &self.vaults), app, Some(name.clone()), "restart", move |context| async move {
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
        pipeline::start(
            (&self.store, &self.vaults),
            place.project.clone(),
            Some(name.clone()),
            "down",
            move |context| async move {
                let lease = take_turn(&context.asked_for(&asked), &target, &place, "down").await?;
                let result = target.down(lease.fence(), leave).await;
                lease.release().await?;
                result?;
                Ok(Outcome { environment: Some(name), release: None, url: None, done: Done::Removed })
            },
        )
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) async fn deliver(
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
        let before = self.store.latest_seq()?;
        Box::pin(self.require_secrets(project, name, false)).await?;
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
            Box::pin(deliver(&context, target.as_ref(), &lease, delivery)).await
        };
        let delivered = Box::pin(delivered).await;
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lock could not be given back; it counts as left behind in 30 s");
        }
        let url = delivered.as_ref().ok().and_then(|outcome| outcome.url.clone());
        Box::pin(self.tell_unwatched(&context, before, url)).await;
        delivered
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

fn refuse_dirty(project: &Project, name: &EnvironmentName, dirty: Allow) -> Result<(), EngineError> {
    let source = project.source_state();
    if !source.dirty || dirty == Allow::Yes || name.as_str() == "local" {
        return Ok(());
    }
    let what = if source.commit.is_some() {
        "the tree has uncommitted changes, which go to `local` only"
    } else {
        "the tree is in no Git repository, so that nobody can tell which change goes there: it goes to `local` only"
    };
    Err(EngineError::user("dirty_tree", what)
        .with_hint("commit them (`nonevent.lock` belongs into the commit too), or ship them all the same with `--dirty`"))
}
