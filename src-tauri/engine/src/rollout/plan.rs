//! What a rollout will do: a pure function of what is desired, what was observed, and what is known about the engine and the past.

use std::collections::BTreeMap;
use std::time::Duration;

use super::outlook::{expected, guarantee, needs};
use super::steps::{self, Course};
use crate::model::{
    Instance, InstanceId, InstanceState, Placement, Plan, PlannedStep, ProcessKind, ProcessName, Release, RolloutId,
    RolloutReason, RolloutRecord, Strategy,
};
use crate::request::Preview;
use crate::target::{Observed, Room, Side};

/// What an environment should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The release.
    pub release: Release,
    /// What the environment adds.
    pub placement: Placement,
    /// Why.
    pub reason: RolloutReason,
}

/// What else a plan depends on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Circumstances {
    /// How the environment moves.
    pub strategy: Strategy,
    /// Time that each step of a canary, or each batch, is watched.
    pub pause: Duration,
    /// Time that old instances stay warm after the switch.
    pub bake: Duration,
    /// Whether somebody wants to look at the new instances before the switch.
    pub preview: Preview,
    /// What the engine has left.
    pub room: Room,
    /// Earlier rollouts of the environment, the newest first.
    pub earlier: Vec<RolloutRecord>,
}

/// The difference between what is desired and what was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// There is none.
    Nothing,
    /// Only the number of instances differs.
    Scale {
        /// How many to start, by process.
        start: BTreeMap<ProcessName, u16>,
        /// Which to retire.
        retire: Vec<Instance>,
    },
    /// Every instance is to be replaced.
    Replace,
    /// The instances of an earlier rollout are still warm: traffic goes back to them.
    Return {
        /// The rollout that started them.
        to: RolloutId,
    },
}

/// Finds the difference.
pub fn change(desired: &Desired, observed: &Observed) -> Change {
    let Some(serving) = &observed.serving else { return Change::Replace };
    let record = &serving.record;
    if desired.reason == RolloutReason::Restart
        || record.release.id != desired.release.id
        || !same_but_replicas(record_of(serving), &desired.placement)
    {
        return match warm(desired, observed) {
            Some(to) => Change::Return { to },
            None => Change::Replace,
        };
    }
    let mut start = BTreeMap::new();
    let mut retire = Vec::new();
    for process in &desired.release.app.processes {
        let wanted = usize::from(wanted(&desired.placement, &process.name));
        let (mut whole, broken): (Vec<&Instance>, Vec<&Instance>) = observed
            .instances
            .iter()
            .filter(|instance| instance.process == process.name && instance.rollout == record.rollout)
            .partition(|instance| is_whole(instance, process.kind, serving));
        // The youngest go first, so that what has proven itself stays.
        whole.sort_by(|a, b| a.started_at.cmp(&b.started_at).then_with(|| a.name.cmp(&b.name)));
        retire.extend(broken.into_iter().cloned());
        retire.extend(whole.iter().skip(wanted).map(|instance| (*instance).clone()));
        let missing = wanted.saturating_sub(whole.len());
        if missing > 0 {
            start.insert(process.name.clone(), u16::try_from(missing).unwrap_or(u16::MAX));
        }
    }
    if start.is_empty() && retire.is_empty() { Change::Nothing } else { Change::Scale { start, retire } }
}

/// Finds the other side, if a rollback is to what it holds and all of it runs.
pub fn warm(desired: &Desired, observed: &Observed) -> Option<RolloutId> {
    let idle = observed.idle.as_ref().filter(|_| observed.share == 0)?;
    let same = desired.reason == RolloutReason::Rollback
        && idle.record.release.id == desired.release.id
        && idle.record.placement == desired.placement
        && idle.resting.is_empty();
    let whole = idle.record.release.app.processes.iter().all(|process| {
        let running = observed.instances.iter().filter(|instance| {
            instance.process == process.name && instance.rollout == idle.record.rollout && is_whole(instance, process.kind, idle)
        });
        running.count() == usize::from(wanted(&desired.placement, &process.name))
    });
    (same && whole).then(|| idle.record.rollout.clone())
}

/// How many instances of a process a placement wants.
pub(super) fn wanted(placement: &Placement, process: &ProcessName) -> u16 {
    placement.replicas.get(process).copied().unwrap_or(1)
}

fn record_of(side: &Side) -> &Placement {
    &side.record.placement
}

fn same_but_replicas(now: &Placement, wanted: &Placement) -> bool {
    Placement { replicas: BTreeMap::new(), ..now.clone() } == Placement { replicas: BTreeMap::new(), ..wanted.clone() }
}

/// Tells whether an instance does what it should: it runs, and requests reach it if they should.
fn is_whole(instance: &Instance, kind: ProcessKind, side: &Side) -> bool {
    let reached = match kind {
        ProcessKind::Web { .. } => side.instances.contains(&instance.id) && !side.resting.contains(&instance.id),
        ProcessKind::Worker => true,
    };
    reached && instance.state == InstanceState::Running
}

/// Plans the steps.
pub fn plan(desired: &Desired, observed: &Observed, circumstances: &Circumstances) -> Plan {
    let from = observed.serving.as_ref().map(|side| side.record.release.id.clone());
    let change = change(desired, observed);
    let strategy = strategy(desired, observed, &change, circumstances);
    let course = Course { desired, observed, strategy: &strategy, circumstances };
    let reason = match change {
        Change::Scale { .. } => RolloutReason::Scale,
        Change::Nothing | Change::Replace | Change::Return { .. } => desired.reason,
    };
    let steps = steps::of(&course, &change);
    let needs = needs(&steps, observed, &circumstances.room);
    Plan {
        environment: desired.placement.environment.clone(),
        reason,
        from,
        to: desired.release.id.clone(),
        guarantee: guarantee(desired, observed, &change, &needs),
        needs,
        expected_ms: expected(&steps, circumstances),
        steps: steps.into_iter().map(|kind| PlannedStep { title: course.title(&kind), kind }).collect(),
        strategy,
    }
}

/// What is left of the environment's strategy for this rollout. The same release needs no canary, and an earlier one that is wanted back
/// is wanted at once; one instance at a time is no batch; and without anything that serves there is nothing to go beside.
fn strategy(desired: &Desired, observed: &Observed, change: &Change, circumstances: &Circumstances) -> Strategy {
    let new = matches!(desired.reason, RolloutReason::Ship | RolloutReason::Promote);
    let shares = observed.serving.as_ref().is_some_and(|side| !side.instances.is_empty())
        && desired
            .release
            .app
            .processes
            .iter()
            .any(|process| matches!(process.kind, ProcessKind::Web { .. }) && wanted(&desired.placement, &process.name) > 0);
    let replaces = *change == Change::Replace && observed.serving.is_some() && exclusive(&desired.release).is_none();
    match &circumstances.strategy {
        Strategy::Canary { .. } if new && shares && replaces => circumstances.strategy.clone(),
        Strategy::Rolling { .. } if replaces => circumstances.strategy.clone(),
        _ => Strategy::BlueGreen,
    }
}

/// Returns the name of a volume that only one instance may have at a time.
pub(super) fn exclusive(release: &Release) -> Option<&str> {
    release.app.volumes.iter().find(|volume| volume.exclusive).map(|volume| volume.name.as_str())
}

/// Lists the ids of instances.
pub(super) fn ids<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Vec<InstanceId> {
    instances.into_iter().map(|instance| instance.id.clone()).collect()
}
