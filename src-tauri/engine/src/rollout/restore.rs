//! Makes what serves whole again: instances that rest are woken and joined, whatever else is there goes.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::RolloutError;
use super::plan::{exclusive, ids, wanted};
use super::scene::Scene;
use super::watch::{AwaitError, Watched, check_of, until_healthy};
use crate::event::EventBody;
use crate::mask::Mask;
use crate::model::{Instance, InstanceId, InstanceState, ProcessKind};
use crate::pipeline::Context;
use crate::target::{Fence, Observed, Side, Target};

/// Takes away what serves nothing, and wakes what rests for it; returns how many were woken.
///
/// Where a volume is for one instance at a time, what has it goes first. Else it goes last: until what rested takes requests again, it may
/// be needed.
pub(super) async fn restore(
    context: &Context,
    target: &dyn Target,
    fence: &Fence,
    leaving: &[InstanceId],
    drain: Duration,
) -> Result<usize, RolloutError> {
    let observed = target.observe(&fence.place).await?;
    let Some(serving) = &observed.serving else {
        retire(context, target, fence, leaving).await?;
        return Ok(0);
    };
    if exclusive(&serving.record.release).is_some() {
        take_away(context, target, fence, &observed, leaving, drain).await?;
        return wake(context, target, fence, serving, &observed).await;
    }
    let woken = wake(context, target, fence, serving, &observed).await?;
    take_away(context, target, fence, &observed, leaving, drain).await?;
    Ok(woken)
}

async fn take_away(
    context: &Context,
    target: &dyn Target,
    fence: &Fence,
    observed: &Observed,
    leaving: &[InstanceId],
    drain: Duration,
) -> Result<(), RolloutError> {
    if observed.share > 0 {
        target.share(fence, 0).await?;
    }
    if !leaving.is_empty() && observed.idle.is_some() {
        target.drain(fence, drain).await?;
    }
    retire(context, target, fence, leaving).await
}

async fn retire(context: &Context, target: &dyn Target, fence: &Fence, leaving: &[InstanceId]) -> Result<(), RolloutError> {
    try_join_all(leaving.iter().map(|instance| target.retire(fence, instance, context.lines()))).await?;
    Ok(())
}

/// Starts what rests of a side, waits until it is healthy, and lets it take requests again as far as its side does; returns how many.
pub(super) async fn wake(
    context: &Context,
    target: &dyn Target,
    fence: &Fence,
    side: &Side,
    observed: &Observed,
) -> Result<usize, RolloutError> {
    let asleep = asleep(side, observed);
    if asleep.is_empty() {
        return Ok(0);
    }
    let woken = try_join_all(asleep.iter().map(|instance| target.wake(fence, &instance.id))).await?;
    let release = &side.record.release;
    let watched: Vec<Watched> =
        woken.iter().map(|instance| Watched { instance: instance.clone(), check: check_of(release, instance) }).collect();
    // Whoever recovers may not know the values that another process placed; the instances do.
    let mask = Mask::new(&target.secrets_of(&fence.place).await?);
    let scene = Scene { domain: &side.record.placement.domain, framework: release.app.framework, source: None, mask: &mask };
    match until_healthy(context, target, &fence.place, &scene, &watched).await {
        Ok(()) => {}
        Err(AwaitError::Rollout(error)) => return Err(error),
        Err(AwaitError::Failing(failing)) => {
            // The proxy checks it as any other: requests reach it once it answers.
            let message = format!("{} of release {} was started again and is not healthy", failing.instance, release.id);
            context.emit(EventBody::WarningRaised { message, hint: Some("look at `nonevent logs`".into()) }).await?;
        }
    }
    target.join(fence, &ids(&woken)).await?;
    Ok(woken.len())
}

/// Finds what rests of a side: instances that were taken out of it, and workers that were stopped although they are wanted.
pub(super) fn asleep<'a>(side: &Side, observed: &'a Observed) -> Vec<&'a Instance> {
    let record = &side.record;
    let mut found = Vec::new();
    for process in &record.release.app.processes {
        let (running, stopped): (Vec<&Instance>, Vec<&Instance>) = observed
            .instances
            .iter()
            .filter(|instance| instance.process == process.name && instance.rollout == record.rollout)
            .partition(|instance| !matches!(instance.state, InstanceState::Exited { .. }));
        match process.kind {
            ProcessKind::Web { .. } => {
                found.extend(running.into_iter().chain(stopped).filter(|instance| side.resting.contains(&instance.id)));
            }
            ProcessKind::Worker => {
                let missing = usize::from(wanted(&record.placement, &process.name)).saturating_sub(running.len());
                found.extend(stopped.into_iter().take(missing));
            }
        }
    }
    found
}
