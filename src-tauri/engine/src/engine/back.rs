//! What a rollback does before it takes the lock: whoever only waits for a bake makes way.

use std::time::Duration;

use super::Engine;
use crate::error::EngineError;
use crate::model::{EnvironmentName, ProjectName, RolloutState, RunState};

/// Time in which a run that only waits makes way; it looks four times a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time between two looks at whether it did.
const LOOK: Duration = Duration::from_millis(50);

impl Engine {
    /// Asks runs of this home that only wait for a bake to leave it: the old instances stay warm, and the way back is short. One that does
    /// not make way holds the lock, which says so.
    pub(super) async fn end_waiting(&self, project: &ProjectName, name: &EnvironmentName) -> Result<(), EngineError> {
        for rollout in self.store.unfinished_rollouts(project, name)? {
            if rollout.state != RolloutState::Baking || !self.store.ask_to_cancel(&rollout.run)? {
                continue;
            }
            let ended = async {
                while self.store.run(&rollout.run)?.is_some_and(|run| run.state == RunState::Running) {
                    tokio::time::sleep(LOOK).await;
                }
                Ok::<(), EngineError>(())
            };
            if let Ok(ended) = tokio::time::timeout(PATIENCE, ended).await {
                ended?;
            }
        }
        Ok(())
    }
}
