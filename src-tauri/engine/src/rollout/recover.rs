//! Ends what an ended process left in the middle, from what the target shows alone.
//!
//! The rule is one: what the serving side's rollout started stays, everything else goes. Killed before the switch, the new instances are the
//! rest; killed after it, the old ones are. So the served release is always exactly the old or the new one.

use std::time::Duration;

use crate::model::{Instance, ProcessKind, RolloutId, RolloutReason, RolloutRecord, RolloutState};
use crate::pipeline::Context;
use crate::target::{Fence, Observed, Target};

use super::RolloutError;
use super::plan::ids;
use super::restore::{asleep, restore};

/// Time that requests in flight have to end.
const DRAIN: Duration = Duration::from_secs(10);

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
    recover_beside(context, target, fence, unfinished, &observed, None).await
}

/// The same for an environment that was observed just now, but leaves the instances of one rollout alone: those that are still warm, and
/// wanted back.
///
/// # Errors
/// As [`recover`].
pub async fn recover_beside(
    context: &Context,
    target: &dyn Target,
    fence: &Fence,
    unfinished: &[RolloutRecord],
    observed: &Observed,
    warm: Option<&RolloutId>,
) -> Result<Vec<String>, RolloutError> {
    let mut done = Vec::new();
    if !unfinished.is_empty() {
        target.end_once(fence).await?;
    }
    let left: Vec<Leftover> =
        leftovers(observed).into_iter().filter(|Leftover(instance)| Some(&instance.rollout) != warm).collect();
    let tired = observed.serving.as_ref().is_some_and(|serving| !asleep(serving, observed).is_empty());
    if !left.is_empty() || tired || observed.share > 0 {
        let leaving = ids(left.iter().map(|Leftover(instance)| instance));
        let woken = restore(context, target, fence, &leaving, DRAIN).await?;
        if observed.share > 0 {
            done.push(format!("ended the share of {} % that a release got which does not serve", observed.share));
        }
        if woken > 0 {
            done.push(format!("started {woken} instances again that a rollout had stopped"));
        }
    }
    for Leftover(instance) in &left {
        done.push(format!("retired {} of release {}, which no longer serves", instance.name, instance.release));
    }
    let serving = observed.serving.as_ref();
    for rollout in unfinished {
        // A way back moves to the side of another rollout.
        let moved = serving.is_some_and(|side| {
            side.record.rollout == rollout.id
                || (rollout.reason == RolloutReason::Rollback && side.record.release.id == rollout.to)
        });
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
