//! What a rollout would do, without doing it.

use std::path::Path;
use std::sync::Arc;

use super::choose::Which;
use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, Plan, Release, RolloutReason};
use crate::pages::PlanRequest;
use crate::pipeline::placement::compose;
use crate::pipeline::secrets::{Needs, values};
use crate::project::Project;
use crate::request::{Allow, Asked, Preview};
use crate::rollout::{self, Circumstances, Desired};
use crate::target::{Room, Target};

/// Rollouts before that are looked at for how long one takes.
const EARLIER: u32 = 10;

impl Engine {
    /// Returns what a run would do to an environment, without doing it.
    ///
    /// # Errors
    /// When there is no such release, nothing serves that could be left or started afresh, or the target does not answer.
    pub async fn plan(&self, folder: &Path, name: &EnvironmentName, request: &PlanRequest) -> Result<Plan, EngineError> {
        let project = self.open_project(folder)?;
        let (_, environment) = environment(&project, name)?;
        let docker = Docker::connect().await?;
        let target = self.target(&docker, &project, environment)?;
        let which = match request {
            PlanRequest::Ship => {
                let (release, reason) = match &environment.after {
                    Some(before) => (self.promoted(target.as_ref(), &project, before).await?, RolloutReason::Promote),
                    None => (self.newest(&project)?, RolloutReason::Ship),
                };
                return self.planned(target, &project, name, release, reason).await;
            }
            PlanRequest::Rollback { release } => Which::Earlier(release.as_ref().map(|release| release.as_str().to_owned())),
            PlanRequest::Restart => Which::Serving,
        };
        // Whether it may be gone back to is decided by the run itself.
        let engine = self.asked(Asked { anyway: Allow::Yes, ..self.asked.clone() });
        let release = engine.choose(&docker, target.as_ref(), &project, name, &which).await?.release;
        let reason = if matches!(which, Which::Serving) { RolloutReason::Restart } else { RolloutReason::Rollback };
        self.planned(target, &project, name, release, reason).await
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
