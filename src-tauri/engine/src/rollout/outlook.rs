//! What a rollout promises, needs and takes, as far as that can be told beforehand. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::plan::{Change, Circumstances, Desired, exclusive, wanted};
use crate::model::{Guarantee, Needs, ProcessKind, ProcessName, RolloutRecord, RolloutState, StepKind, StepRecord, StepState};
use crate::target::{Observed, Room};

/// Bytes of disk without which logs and layers of instances soon have no place.
const LEAST_DISK: u64 = 256 * 1024 * 1024;

/// Says whether requests may be lost.
pub(super) fn guarantee(desired: &Desired, observed: &Observed, change: &Change, needs: &Needs) -> Guarantee {
    let no = |because: String| Guarantee::No { because };
    let silent = desired
        .release
        .app
        .processes
        .iter()
        .find(|process| matches!(process.kind, ProcessKind::Web { .. }) && wanted(&desired.placement, &process.name) == 0);
    if let Some(process) = silent {
        return no(format!("`{}` has replicas = 0: nothing will answer", process.name));
    }
    // Where nothing serves there is nothing to lose; and what starts nothing needs nothing.
    if observed.serving.is_none() || matches!(change, Change::Nothing | Change::Return { .. }) {
        return Guarantee::Yes;
    }
    if let (Some(volume), Change::Replace) = (exclusive(&desired.release), change) {
        return no(format!("the volume `{volume}` is not shared: the old instance stops before the new one starts"));
    }
    if let (Some(memory), Some(free)) = (needs.memory, needs.memory_free)
        && memory > free
    {
        return no(format!(
            "old and new instances side by side need {} of memory, and the engine has {} left",
            bytes(memory),
            bytes(free)
        ));
    }
    match needs.disk_free {
        Some(free) if free < LEAST_DISK => no(format!("the engine's disk has {} left", bytes(free))),
        _ => Guarantee::Yes,
    }
}

fn bytes(amount: u64) -> String {
    let whole = amount / 1_000_000;
    if whole >= 1000 { format!("{}.{} GB", whole / 1000, whole % 1000 / 100) } else { format!("{whole} MB") }
}

/// Adds up what runs at one time at most, and what that takes by what the old instances use.
pub(super) fn needs(steps: &[StepKind], observed: &Observed, room: &Room) -> Needs {
    let mut used: BTreeMap<&ProcessName, (u64, u64)> = BTreeMap::new();
    for instance in &observed.instances {
        if let Some(bytes) = room.used.get(&instance.id) {
            let (sum, count) = used.entry(&instance.process).or_default();
            *sum += bytes;
            *count += 1;
        }
    }
    let each = |process: &ProcessName| used.get(process).map(|(sum, count)| i128::from(sum / count.max(&1)));
    let mut running = i64::try_from(observed.instances.len()).unwrap_or(i64::MAX);
    let (mut most, mut memory, mut most_memory) = (running, 0_i128, 0_i128);
    let mut known = true;
    for step in steps {
        let (process, change) = match step {
            StepKind::Start { process, count } => (process, i64::from(*count)),
            StepKind::Rest { process, count } | StepKind::Retire { process, count } => (process, -i64::from(*count)),
            _ => continue,
        };
        running += change;
        most = most.max(running);
        match each(process) {
            Some(bytes) => memory += bytes * i128::from(change),
            // A process that was not here before: nobody knows what it takes.
            None if change > 0 => known = false,
            None => {}
        }
        most_memory = most_memory.max(memory);
    }
    let starts = steps.iter().any(|step| matches!(step, StepKind::Start { .. }));
    Needs {
        instances: u32::try_from(most).unwrap_or_default(),
        memory: (known && starts).then(|| u64::try_from(most_memory).unwrap_or_default()),
        memory_free: room.memory_free,
        disk: 0,
        disk_free: room.disk_free,
    }
}

/// Adds up what each step took in the middle of the rollouts before; none when there were none.
pub(super) fn expected(steps: &[StepKind], circumstances: &Circumstances) -> Option<u64> {
    let mut samples: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let whole = |rollout: &&RolloutRecord| rollout.state == RolloutState::Succeeded;
    for step in circumstances.earlier.iter().filter(whole).flat_map(|rollout| &rollout.steps) {
        if let Some(took) = took(step) {
            samples.entry(step.kind.word()).or_default().push(took);
        }
    }
    if samples.is_empty() || steps.is_empty() {
        return None;
    }
    for took in samples.values_mut() {
        took.sort_unstable();
    }
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let each = steps.iter().map(|step| match step {
        StepKind::Bake => milliseconds(circumstances.bake),
        StepKind::Watch => milliseconds(circumstances.pause),
        StepKind::Approve => 0,
        step => samples.get(step.word()).and_then(|took| took.get(took.len() / 2)).copied().unwrap_or_default(),
    });
    Some(each.sum())
}

fn took(step: &StepRecord) -> Option<u64> {
    let at = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let (began, ended) = (at(&step.started_at)?, at(&step.finished_at)?);
    (step.state == StepState::Done).then(|| u64::try_from(ended.duration_since(began).as_millis()).ok())?
}
