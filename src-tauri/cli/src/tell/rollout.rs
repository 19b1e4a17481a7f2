//! Plans, steps and probes, as lines.

use std::collections::BTreeMap;

use nonevent_engine::model::{
    Figures, Guarantee, Plan, ProbeAttempt, ProbeOutcome, ProcessName, ReleaseId, StepKind, Strategy, Verdict,
};

use super::layout::{Glyph, Row, beside};
use crate::paint::{Paint, Tone};
use crate::words;

/// Returns the lines that stand above the steps: where it goes from and to, and whether requests are lost.
pub fn heading(plan: &Plan, paint: Paint) -> Vec<String> {
    let row = Row { indent: 0, glyph: Glyph::Heading, name: "rollout", summary: &way(plan), took: None };
    let guarantee = guarantee(plan, paint);
    let mut lines = vec![row.render(paint), beside(&guarantee)];
    lines.extend(outlook(plan).iter().map(|line| beside(line)));
    lines
}

/// Returns a plan as `nonevent plan` prints it.
pub fn plan_lines(plan: &Plan, paint: Paint) -> Vec<String> {
    let head = format!("{} of {}: {}", plan.reason.word(), plan.environment, way(plan));
    if plan.steps.is_empty() {
        return vec![head, "nothing to do".into()];
    }
    let mut lines = vec![head, guarantee(plan, paint)];
    lines.extend(outlook(plan));
    lines.push(String::new());
    let width = plan.steps.len().to_string().len();
    lines.extend(plan.steps.iter().zip(1..).map(|(step, number): (_, usize)| format!("  {number:>width$}  {}", step.title)));
    lines
}

fn way(plan: &Plan) -> String {
    match &plan.from {
        Some(from) if *from == plan.to => format!("{} again", plan.to),
        Some(from) => format!("{from} → {}", plan.to),
        None => format!("{}, the first release here", plan.to),
    }
}

/// Says what starts and stops, how it moves, how long that takes, and what it needs of what there is.
fn outlook(plan: &Plan) -> Vec<String> {
    let counted = |wanted: fn(&StepKind) -> Option<(&ProcessName, u16)>| {
        let mut counts: BTreeMap<&ProcessName, u32> = BTreeMap::new();
        for (process, count) in plan.steps.iter().filter_map(|step| wanted(&step.kind)) {
            *counts.entry(process).or_default() += u32::from(count);
        }
        counts.into_iter().map(|(process, count)| format!("{count} × {process}")).collect::<Vec<_>>().join(", ")
    };
    let starts = counted(|kind| match kind {
        StepKind::Start { process, count } => Some((process, *count)),
        _ => None,
    });
    let stops = counted(|kind| match kind {
        StepKind::Retire { process, count } => Some((process, *count)),
        _ => None,
    });
    let mut moves = Vec::new();
    for (verb, what) in [("starts", starts), ("stops", stops)] {
        if !what.is_empty() {
            moves.push(format!("{verb} {what}"));
        }
    }
    if plan.strategy != Strategy::BlueGreen {
        moves.push(plan.strategy.word().to_owned());
    }
    if let Some(expected) = plan.expected_ms {
        moves.push(format!("about {}", words::duration(expected)));
    }
    let mut lines = vec![moves.join("; ")];
    let needs = &plan.needs;
    let mut takes = Vec::new();
    if let (Some(memory), Some(free)) = (needs.memory, needs.memory_free) {
        takes.push(format!("needs {} of memory, {} are left", words::bytes(memory), words::bytes(free)));
    }
    if let Some(free) = needs.disk_free {
        takes.push(format!("{} of disk are left", words::bytes(free)));
    }
    lines.push(takes.join("; "));
    lines.retain(|line| !line.is_empty());
    lines
}

/// Says what a comparison found, side by side.
pub fn compared(verdict: &Verdict) -> String {
    let side = |figures: &Figures| {
        let p95 = figures.p95_ms.map(|p95| format!(", p95 {p95} ms")).unwrap_or_default();
        let errors = figures.error_percent();
        format!("{} requests, {errors:.1} % of them 5xx{p95}, {} restarts", figures.requests, figures.restarts)
    };
    format!("new: {}; old: {}", side(&verdict.new), side(&verdict.old))
}

fn guarantee(plan: &Plan, paint: Paint) -> String {
    match &plan.guarantee {
        Guarantee::Yes if plan.from.is_none() && !plan.steps.is_empty() => {
            format!("zero downtime: {}, nothing serves yet", paint.tone(Tone::Good, "yes"))
        }
        Guarantee::Yes => format!("zero downtime: {}", paint.tone(Tone::Good, "yes")),
        Guarantee::No { because } => format!("zero downtime: {}, because {because}", paint.tone(Tone::Warn, "no")),
    }
}

/// Returns what a probe says right now, in a few words.
pub fn probing(probe: &ProbeAttempt) -> String {
    format!("{} ({})", saw(&probe.outcome), probe.instance)
}

/// Returns probes as a transcript, each with the seconds since the first.
pub fn transcript<'a>(probes: impl Iterator<Item = &'a ProbeAttempt>) -> Vec<String> {
    let probes: Vec<&ProbeAttempt> = probes.collect();
    let Some(first) = probes.first() else { return Vec::new() };
    let mut lines = vec![format!("{}:", first.probe)];
    let width = probes.iter().map(|probe| probe.instance.len()).max().unwrap_or_default();
    for probe in &probes {
        let since = words::between(&first.at, &probe.at).map(words::duration).unwrap_or_default();
        lines.push(format!("{since:>8}  {:width$}  {}", probe.instance, saw(&probe.outcome)));
        if let ProbeOutcome::Answered { excerpt, .. } = &probe.outcome
            && let Some(line) = excerpt.lines().find(|line| !line.trim().is_empty())
        {
            lines.push(format!("{:width$}{}", "", line.trim(), width = 8 + 2 + width + 2));
        }
    }
    lines
}

fn saw(outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Passed { saw } => format!("{saw}, as it should be"),
        ProbeOutcome::Answered { saw, .. } => format!("answered {saw}"),
        ProbeOutcome::Failed { error } => error.clone(),
    }
}

/// Returns what serves after traffic went back.
pub fn returned(environment: &str, serving: Option<&ReleaseId>) -> String {
    match serving {
        Some(release) => format!("{environment} serves {release} again"),
        None => format!("nothing serves {environment}"),
    }
}

/// Returns what serves after a rollout that failed.
pub fn aftermath(environment: &str, serving: Option<&ReleaseId>) -> String {
    match serving {
        Some(release) => format!("{environment} goes on serving {release}"),
        None => format!("nothing serves {environment}"),
    }
}
