//! Recovery: ends what a process left in the middle, from whatever laptop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Engine, environment, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, RolloutRecord, RolloutState, RunId};
use crate::pipeline::Context;
use crate::process;
use crate::project::Project;
use crate::rollout::{self, Lease};
use crate::target::{Life, Target};

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

    /// Ends rollouts of an environment that nobody works on any more: bakes that were left, when their time is over, and what an ended
    /// process left. Returns what was done, in words.
    ///
    /// # Errors
    /// When the target does not answer.
    pub(super) async fn end_left(
        &self,
        target: Arc<dyn Target>,
        project: &Project,
        name: &EnvironmentName,
        bake: Duration,
    ) -> Result<Vec<String>, EngineError> {
        let place = place(project, name);
        let unfinished = self.store.unfinished_rollouts(&place.project, name)?;
        let now = Timestamp::now();
        if unfinished.is_empty() || unfinished.iter().any(|rollout| !is_left(rollout, bake, now)) {
            return Ok(Vec::new());
        }
        match target.held(&place).await? {
            Some(held) if held.life == Life::Living => Ok(Vec::new()),
            _ => self.recover_one(target, project, name).await,
        }
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

/// Time that a process may take from writing its rollout down to holding the lock.
const BEGINS: Duration = Duration::from_secs(60);

/// Tells whether a rollout that did not end may be ended by somebody else than who began it, if he does not hold the lock any more.
fn is_left(rollout: &RolloutRecord, bake: Duration, now: Timestamp) -> bool {
    let last = rollout.steps.iter().filter_map(|step| step.finished_at.as_deref()).max();
    let (since, patience) = match rollout.state {
        RolloutState::Baking => (last.unwrap_or(&rollout.started_at), bake),
        _ => (rollout.started_at.as_str(), BEGINS),
    };
    let Ok(since) = since.parse::<Timestamp>() else { return true };
    now.duration_since(since).unsigned_abs() >= patience
}
