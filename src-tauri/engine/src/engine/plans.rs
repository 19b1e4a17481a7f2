//! What a rollout would do, without doing it.

use std::path::Path;
use std::sync::Arc;

use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, Plan, ProjectName, Release, ReleaseId, RolloutReason};
use crate::pipeline::placement::compose;
use crate::pipeline::release::by_prefix;
use crate::pipeline::secrets::{Needs, values};
use crate::project::Project;
use crate::request::Preview;
use crate::rollout::{self, Circumstances, Desired};
use crate::target::{Room, Target};

/// Rollouts before that are looked at for how long one takes.
const EARLIER: u32 = 10;

impl Engine {
    /// Returns what shipping the last release of the project to an environment would do, without doing it.
    ///
    /// # Errors
    /// When nothing was ever released, or the target does not answer.
    pub async fn plan(&self, folder: &Path, name: &EnvironmentName) -> Result<Plan, EngineError> {
        let project = self.open_project(folder)?;
        let (_, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let (release, reason) = match &environment.after {
            Some(before) => (self.promoted(target.as_ref(), &project, before).await?, RolloutReason::Promote),
            None => (self.newest(&project)?, RolloutReason::Ship),
        };
        self.planned(target, &project, name, release, reason).await
    }

    /// Returns what a rollback to a release (any unique prefix of its id) would do, without doing it.
    ///
    /// # Errors
    /// When there is no such release, or the target does not answer.
    pub async fn plan_rollback(&self, folder: &Path, name: &EnvironmentName, release: &str) -> Result<Plan, EngineError> {
        let project = self.open_project(folder)?;
        let (_, environment) = environment(&project, name)?;
        let releases = self.store.releases(&project.settings.app.name)?;
        let release = by_prefix(&releases, release).map_err(|error| {
            EngineError::user("release_unknown", error.to_string()).with_hint("`nonevent releases` lists them")
        })?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        self.planned(target, &project, name, release.clone(), RolloutReason::Rollback).await
    }

    /// Returns what moving an environment to a release would do, without doing it: a rollback to the given one, else what a ship of the
    /// newest would.
    ///
    /// # Errors
    /// When there is no such release, or the target does not answer.
    pub async fn plan_to(
        &self,
        project: &ProjectName,
        name: &EnvironmentName,
        release: Option<&ReleaseId>,
    ) -> Result<Plan, EngineError> {
        let folder = self.folder_of(project)?;
        let Some(release) = release else { return self.plan(&folder, name).await };
        let release = self.known_release(project, release)?;
        let opened = Project::open(&folder)?;
        let (_, environment) = environment(&opened, name)?;
        let target = self.target(&Docker::connect().await?, &opened, environment)?;
        self.planned(target, &opened, name, release, RolloutReason::Rollback).await
    }

    async fn planned(
        &self,
        target: Arc<dyn Target>,
        project: &Project,
        name: &EnvironmentName,
        release: Release,
        reason: RolloutReason,
    ) -> Result<Plan, EngineError> {
        let (name, environment) = environment(project, name)?;
        let needs = Needs::of_environment(&project.settings.app.name, &project.root, name, environment);
        let secrets = values(&self.vaults, &needs).await?;
        let placement = compose(&project.settings, name, environment, &release, &self.store.hash_key()?, secrets).placement;
        let observed = target.observe(&place(project, name)).await?;
        let instances: Vec<_> = observed.instances.iter().map(|instance| instance.id.clone()).collect();
        let room = match target.room(&instances).await {
            Ok(room) => room,
            Err(error) => {
                tracing::warn!(%error, "what the engine has left is not known");
                Room::default()
            }
        };
        let circumstances = Circumstances {
            strategy: environment.strategy.clone(),
            pause: environment.pause,
            bake: environment.bake,
            preview: Preview::Tell,
            room,
            earlier: self.store.rollouts(&project.settings.app.name, Some(name), EARLIER)?,
        };
        Ok(rollout::plan(&Desired { release, placement, reason }, &observed, &circumstances))
    }
}
