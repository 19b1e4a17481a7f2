//! Plans, steps and probes, as lines.

use nonevent_engine::model::{Guarantee, Plan, ProbeAttempt, ProbeOutcome, ReleaseId};

use super::layout::{Glyph, Row, beside};
use crate::paint::{Paint, Tone};
use crate::words;

/// Returns the lines that stand above the steps: where it goes from and to, and whether requests are lost.
pub fn heading(plan: &Plan, paint: Paint) -> Vec<String> {
    let row = Row { indent: 0, glyph: Glyph::Heading, name: "rollout", summary: &way(plan), took: None };
    let guarantee = guarantee(plan, paint);
    vec![row.render(paint), beside(&guarantee)]
}

/// Returns a plan as `nonevent plan` prints it.
pub fn plan_lines(plan: &Plan, paint: Paint) -> Vec<String> {
    let head = format!("{} of {}: {}", plan.reason.word(), plan.environment, way(plan));
    if plan.steps.is_empty() {
        return vec![head, "nothing to do".into()];
    }
    let mut lines = vec![head, guarantee(plan, paint), String::new()];
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

fn guarantee(plan: &Plan, paint: Paint) -> String {
    match &plan.guarantee {
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

/// Returns what serves after a rollout that failed.
pub fn aftermath(environment: &str, serving: Option<&ReleaseId>) -> String {
    match serving {
        Some(release) => format!("{environment} goes on serving {release}"),
        None => format!("nothing serves {environment}"),
    }
}
