//! The steps of each kind of rollout, in order, and their titles. Pure.

use std::collections::BTreeMap;

use super::plan::{Change, Circumstances, Desired, exclusive, wanted};
use crate::model::{Batch, CommandLine, Instance, ProcessKind, ProcessName, RolloutReason, StepKind, Strategy};
use crate::request::Preview;
use crate::target::Observed;

/// What steps are made of.
pub(super) struct Course<'a> {
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    pub strategy: &'a Strategy,
    pub circumstances: &'a Circumstances,
}

/// Lists the steps.
pub(super) fn of(course: &Course<'_>, change: &Change) -> Vec<StepKind> {
    match change {
        Change::Nothing => Vec::new(),
        Change::Scale { start, retire } => scale(start, retire),
        Change::Return { to } => {
            let leaving = course.observed.instances.iter().filter(|instance| instance.rollout != *to);
            [StepKind::Await, StepKind::Switch, StepKind::Drain]
                .into_iter()
                .chain(retired(leaving))
                .chain([StepKind::Observe])
                .collect()
        }
        Change::Replace => course.replace(),
    }
}

fn scale(start: &BTreeMap<ProcessName, u16>, retire: &[Instance]) -> Vec<StepKind> {
    let mut steps = vec![StepKind::Prepare];
    steps.extend(start.iter().map(|(process, count)| StepKind::Start { process: process.clone(), count: *count }));
    if !start.is_empty() {
        steps.push(StepKind::Await);
    }
    steps.push(StepKind::Rescale);
    if !retire.is_empty() {
        steps.push(StepKind::Drain);
        steps.extend(retired(retire.iter()));
    }
    steps.push(StepKind::Observe);
    steps
}

fn retired<'a>(instances: impl Iterator<Item = &'a Instance>) -> Vec<StepKind> {
    counted(instances).into_iter().map(|(process, count)| StepKind::Retire { process, count }).collect()
}

fn counted<'a>(instances: impl Iterator<Item = &'a Instance>) -> BTreeMap<ProcessName, u16> {
    let mut counts: BTreeMap<ProcessName, u16> = BTreeMap::new();
    for instance in instances {
        let count = counts.entry(instance.process.clone()).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

impl Course<'_> {
    fn replace(&self) -> Vec<StepKind> {
        let mut steps = vec![StepKind::Prepare];
        if exclusive(&self.desired.release).is_some() && self.observed.serving.is_some() {
            // Whoever has the volume lets go of it before anybody else takes it.
            steps.extend(self.old().into_iter().map(|(process, count)| StepKind::Rest { process, count }));
        }
        if self.desired.release.settings.before_start.is_some() && self.is_new_here() {
            steps.push(StepKind::BeforeStart);
        }
        match self.strategy {
            Strategy::Rolling { batch } => self.batches(*batch, &mut steps),
            Strategy::BlueGreen | Strategy::Canary { .. } => {
                steps.extend(self.all());
                steps.push(StepKind::Await);
            }
        }
        if self.circumstances.preview == Preview::Ask {
            steps.push(StepKind::Approve);
        }
        if let Strategy::Canary { steps: shares } = self.strategy {
            for percent in shares {
                steps.extend([StepKind::Share { percent: *percent }, StepKind::Watch]);
            }
        }
        steps.push(StepKind::Switch);
        if self.observed.serving.is_some() {
            steps.extend([StepKind::Bake, StepKind::Drain]);
        }
        steps.extend(retired(self.observed.instances.iter()));
        steps.push(StepKind::Observe);
        steps
    }

    fn all(&self) -> impl Iterator<Item = StepKind> {
        let counts = self.wanted();
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(process, count)| StepKind::Start { process, count })
    }

    /// How many instances of each process are wanted, in the order of the processes.
    fn wanted(&self) -> Vec<(ProcessName, u16)> {
        let processes = self.desired.release.app.processes.iter();
        processes.map(|process| (process.name.clone(), wanted(&self.desired.placement, &process.name))).collect()
    }

    /// How many instances of each process serve.
    fn old(&self) -> BTreeMap<ProcessName, u16> {
        let rollout = self.observed.serving.as_ref().map(|side| &side.record.rollout);
        counted(self.observed.instances.iter().filter(|instance| Some(&instance.rollout) == rollout))
    }

    /// Each batch starts some, waits for them, gives them their share, and rests as many old ones as they replace. The last batch leaves
    /// the rest of the old ones to the switch: until then, what serves has at least one instance.
    fn batches(&self, batch: Batch, steps: &mut Vec<StepKind>) {
        let wanted = self.wanted();
        let mut old = self.old();
        let at_once = old.clone();
        let mut started: BTreeMap<ProcessName, u16> = BTreeMap::new();
        let rounds = wanted.iter().map(|(_, count)| count.div_ceil(batch.of(*count))).max().unwrap_or_default();
        for round in 1..=rounds {
            for (process, count) in &wanted {
                let before = started.get(process).copied().unwrap_or_default();
                let count = batch.of(*count).min(count - before);
                if count > 0 {
                    steps.push(StepKind::Start { process: process.clone(), count });
                    started.insert(process.clone(), before + count);
                }
            }
            steps.push(StepKind::Await);
            if round == rounds {
                break;
            }
            let left: BTreeMap<ProcessName, u16> = old
                .keys()
                .map(|process| {
                    let replaced = started.get(process).copied().unwrap_or_default();
                    let before = at_once.get(process).copied().unwrap_or_default();
                    (process.clone(), before.saturating_sub(replaced).max(1))
                })
                .collect();
            if let Some(percent) = self.share_of(&started, &left) {
                steps.push(StepKind::Share { percent });
                if !self.circumstances.pause.is_zero() {
                    steps.push(StepKind::Watch);
                }
            }
            for (process, count) in &mut old {
                let stays = left.get(process).copied().unwrap_or_default();
                if *count > stays {
                    steps.push(StepKind::Rest { process: process.clone(), count: *count - stays });
                    *count = stays;
                }
            }
        }
    }

    /// The share of requests that new instances get when each instance gets as many as any other.
    fn share_of(&self, new: &BTreeMap<ProcessName, u16>, old: &BTreeMap<ProcessName, u16>) -> Option<u8> {
        let web = self.desired.release.app.processes.iter().find(|process| matches!(process.kind, ProcessKind::Web { .. }))?;
        let count = |counts: &BTreeMap<ProcessName, u16>| u32::from(counts.get(&web.name).copied().unwrap_or_default());
        let (new, old) = (count(new), count(old));
        if new == 0 || old == 0 {
            return None;
        }
        u8::try_from((new * 100 / (new + old)).clamp(1, 99)).ok()
    }

    /// A release that serves already, or goes back to an earlier one, has nothing to prepare: its `before_start` ran when it was new.
    fn is_new_here(&self) -> bool {
        match self.desired.reason {
            RolloutReason::Rollback | RolloutReason::Restart | RolloutReason::Scale => false,
            RolloutReason::Ship | RolloutReason::Promote => {
                self.observed.serving.as_ref().is_none_or(|serving| serving.record.release.id != self.desired.release.id)
            }
        }
    }

    /// Says a step in words.
    pub fn title(&self, kind: &StepKind) -> String {
        let release = &self.desired.release.id;
        let old = || match self.observed.serving.as_ref().map(|side| &side.record.release.id) {
            Some(old) if old != release => old.to_string(),
            _ => "the old ones".to_owned(),
        };
        match kind {
            StepKind::Prepare => match self.desired.placement.services.as_slice() {
                [] => "prepare network and proxy".into(),
                services => format!("prepare network, proxy and {}", services.join(", ")),
            },
            StepKind::BeforeStart => {
                let command = self.desired.release.settings.before_start.as_ref().map(CommandLine::display).unwrap_or_default();
                format!("run `{command}` once")
            }
            StepKind::Start { process, count } => format!("start {count} × {process}"),
            StepKind::Await => "wait until healthy".into(),
            StepKind::Approve => "wait for a look at the preview".into(),
            StepKind::Share { percent } => format!("send {percent} % of the requests to {}", release),
            StepKind::Watch => format!("compare with {}", old()),
            StepKind::Rest { process, count } => format!("stop {count} × {process} of {}", old()),
            StepKind::Switch => format!("switch traffic to {release}"),
            StepKind::Rescale => "let them take requests".into(),
            StepKind::Drain => "let requests in flight end".into(),
            StepKind::Bake => "bake".into(),
            StepKind::Retire { process, count } => format!("retire {count} × {process}"),
            StepKind::Observe => "observe what serves".into(),
        }
    }
}
