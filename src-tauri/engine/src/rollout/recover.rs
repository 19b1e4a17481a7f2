//! Ends what an ended process left in the middle, from what the target shows alone.
//!
//! The rule is one: what the serving side's rollout started stays, everything else goes. Killed before the switch, the new instances are the
//! rest; killed after it, the old ones are. So the served release is always exactly the old or the new one.

use crate::model::{Instance, ProcessKind, RolloutRecord, RolloutState};
use crate::pipeline::Context;
use crate::target::{Fence, Observed, Target};

use super::RolloutError;

/// One instance that no rollout needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover(pub Instance);

/// Finds the instances that no rollout needs any more.
pub fn leftovers(observed: &Observed) -> Vec<Leftover> {
    observed.instances.iter().filter(|instance| !belongs(instance, observed)).cloned().map(Leftover).collect()
}

fn belongs(instance: &Instance, observed: &Observed) -> bool {
    let Some(serving) = &observed.serving else { return false };
    if instance.rollout != serving.record.rollout {
        return false;
    }
    let process = serving.record.release.app.processes.iter().find(|process| process.name == instance.process);
    match process.map(|process| process.kind) {
        Some(ProcessKind::Web { .. }) => serving.instances.contains(&instance.id),
        Some(ProcessKind::Worker) => true,
        None => false,
    }
}

/// Retires leftovers and ends the journal's open rollouts; returns in words what was done.
///
/// # Errors
/// When the target or the journal does not answer; calling it again goes on.
pub async fn recover(
    context: &Context,
    target: &dyn Target,
    fence: &Fence,
    unfinished: &[RolloutRecord],
) -> Result<Vec<String>, RolloutError> {
    let observed = target.observe(&fence.place).await?;
    let mut done = Vec::new();
    let left = leftovers(&observed);
    if !left.is_empty() {
        target.drain(fence, std::time::Duration::from_secs(10)).await?;
    }
    for Leftover(instance) in &left {
        target.retire(fence, &instance.id, context.lines()).await?;
        done.push(format!("retired {} of release {}, which no longer serves", instance.name, instance.release));
    }
    let serving = observed.serving.as_ref();
    for rollout in unfinished {
        let moved = serving.is_some_and(|side| side.record.rollout == rollout.id);
        let (state, failure, words) = match (moved, rollout.state) {
            (true, RolloutState::Baking) => (RolloutState::Succeeded, None, "its bake had been left to the next start"),
            (true, _) => (RolloutState::Recovered, None, "it had switched; its old instances were retired"),
            (false, _) => (
                RolloutState::Failed,
                Some("its process ended before the switch".to_owned()),
                "its process ended before the switch; what served went on serving",
            ),
        };
        let release = serving.map(|side| side.record.release.id.clone());
        let event = context.store().finish_rollout(rollout, state, release, failure)?;
        context.send(event).await;
        done.push(format!("rollout to {}: {words}", rollout.to));
    }
    Ok(done)
}
