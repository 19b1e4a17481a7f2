//! What a rollout will do: a pure function of what is desired and what was observed.

use std::collections::BTreeMap;

use crate::model::{
    Guarantee, Instance, InstanceId, InstanceState, Placement, Plan, PlannedStep, ProcessKind, ProcessName, Release,
    RolloutReason, StepKind,
};
use crate::target::{Observed, Side};

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
}

/// Finds the difference.
pub fn change(desired: &Desired, observed: &Observed) -> Change {
    let Some(serving) = &observed.serving else { return Change::Replace };
    let record = &serving.record;
    if desired.reason == RolloutReason::Restart
        || record.release.id != desired.release.id
        || !same_but_replicas(record_of(serving), &desired.placement)
    {
        return Change::Replace;
    }
    let mut start = BTreeMap::new();
    let mut retire = Vec::new();
    for process in &desired.release.app.processes {
        let wanted = usize::from(desired.placement.replicas.get(&process.name).copied().unwrap_or(1));
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

fn record_of(side: &Side) -> &Placement {
    &side.record.placement
}

fn same_but_replicas(now: &Placement, wanted: &Placement) -> bool {
    Placement { replicas: BTreeMap::new(), ..now.clone() } == Placement { replicas: BTreeMap::new(), ..wanted.clone() }
}

/// Tells whether an instance does what it should: it runs, and requests reach it if they should.
fn is_whole(instance: &Instance, kind: ProcessKind, serving: &Side) -> bool {
    let reached = match kind {
        ProcessKind::Web { .. } => serving.instances.contains(&instance.id),
        ProcessKind::Worker => true,
    };
    reached && instance.state == InstanceState::Running
}

/// Plans the steps.
pub fn plan(desired: &Desired, observed: &Observed) -> Plan {
    let from = observed.serving.as_ref().map(|side| side.record.release.id.clone());
    let (reason, steps) = match change(desired, observed) {
        Change::Nothing => (desired.reason, Vec::new()),
        Change::Scale { start, retire } => (RolloutReason::Scale, scale_steps(&start, &retire)),
        Change::Replace => (desired.reason, replace_steps(desired, observed)),
    };
    Plan {
        environment: desired.placement.environment.clone(),
        reason,
        from,
        to: desired.release.id.clone(),
        guarantee: guarantee(desired),
        steps: steps.into_iter().map(|kind| PlannedStep { title: title(&kind, desired), kind }).collect(),
    }
}

fn scale_steps(start: &BTreeMap<ProcessName, u16>, retire: &[Instance]) -> Vec<StepKind> {
    let mut steps = vec![StepKind::Prepare];
    steps.extend(start.iter().map(|(process, count)| StepKind::Start { process: process.clone(), count: *count }));
    if !start.is_empty() {
        steps.push(StepKind::Await);
    }
    steps.push(StepKind::Rescale);
    if !retire.is_empty() {
        steps.push(StepKind::Drain);
        steps.extend(retire_steps(retire.iter()));
    }
    steps.push(StepKind::Observe);
    steps
}

fn replace_steps(desired: &Desired, observed: &Observed) -> Vec<StepKind> {
    let mut steps = vec![StepKind::Prepare];
    if desired.release.settings.before_start.is_some() && is_new_here(desired, observed) {
        steps.push(StepKind::BeforeStart);
    }
    for process in &desired.release.app.processes {
        let count = desired.placement.replicas.get(&process.name).copied().unwrap_or(1);
        if count > 0 {
            steps.push(StepKind::Start { process: process.name.clone(), count });
        }
    }
    steps.extend([StepKind::Await, StepKind::Switch]);
    if observed.serving.is_some() {
        steps.extend([StepKind::Bake, StepKind::Drain]);
    }
    steps.extend(retire_steps(observed.instances.iter()));
    steps.push(StepKind::Observe);
    steps
}

/// A release that serves already, or goes back to an earlier one, has nothing to prepare: its `before_start` ran when it was new.
fn is_new_here(desired: &Desired, observed: &Observed) -> bool {
    match desired.reason {
        RolloutReason::Rollback | RolloutReason::Restart | RolloutReason::Scale => false,
        RolloutReason::Ship | RolloutReason::Promote => {
            observed.serving.as_ref().is_none_or(|serving| serving.record.release.id != desired.release.id)
        }
    }
}

fn retire_steps<'a>(instances: impl Iterator<Item = &'a Instance>) -> Vec<StepKind> {
    let mut counts: BTreeMap<ProcessName, u16> = BTreeMap::new();
    for instance in instances {
        let count = counts.entry(instance.process.clone()).or_default();
        *count = count.saturating_add(1);
    }
    counts.into_iter().map(|(process, count)| StepKind::Retire { process, count }).collect()
}

fn guarantee(desired: &Desired) -> Guarantee {
    let silent = desired.release.app.processes.iter().find(|process| {
        matches!(process.kind, ProcessKind::Web { .. })
            && desired.placement.replicas.get(&process.name).copied().unwrap_or(1) == 0
    });
    match silent {
        Some(process) => Guarantee::No { because: format!("`{}` has replicas = 0: nothing will answer", process.name) },
        None => Guarantee::Yes,
    }
}

fn title(kind: &StepKind, desired: &Desired) -> String {
    match kind {
        StepKind::Prepare => match desired.placement.services.as_slice() {
            [] => "prepare network and proxy".into(),
            services => format!("prepare network, proxy and {}", services.join(", ")),
        },
        StepKind::BeforeStart => {
            let command =
                desired.release.settings.before_start.as_ref().map(crate::model::CommandLine::display).unwrap_or_default();
            format!("run `{command}` once")
        }
        StepKind::Start { process, count } => format!("start {count} × {process}"),
        StepKind::Await => "wait until healthy".into(),
        StepKind::Switch => format!("switch traffic to {}", desired.release.id),
        StepKind::Rescale => "let them take requests".into(),
        StepKind::Drain => "let requests in flight end".into(),
        StepKind::Bake => "bake".into(),
        StepKind::Retire { process, count } => format!("retire {count} × {process}"),
        StepKind::Observe => "observe what serves".into(),
    }
}

/// Lists the ids of instances.
pub(super) fn ids<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Vec<InstanceId> {
    instances.into_iter().map(|instance| instance.id.clone()).collect()
}
