//! Recovery: ends what a process left in the middle, from whatever laptop.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, RunId};
use crate::pipeline::Context;
use crate::process;
use crate::project::Project;
use crate::rollout::{self, Lease};
use crate::target::Target;

impl Engine {
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
}
