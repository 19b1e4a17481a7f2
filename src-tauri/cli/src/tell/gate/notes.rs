//! What is worth knowing about a gate besides what it found: flaky tests, the slowest, coverage, and what changed since earlier runs.

use nonevent_engine::model::{Comparison, Coverage, FileCoverage, GateReport, GateState, TestReport};

use super::{ALL, Look};
use crate::paint::Tone;
use crate::tell::Lines;
use crate::tell::layout::under;
use crate::words::{age, counted, duration};

/// Tests that are named unless more is asked for, and from how many seconds on a test is worth it.
const SLOWEST: usize = 3;
const SLOW: f64 = 0.5;
const FLAKY: usize = 5;

/// Files that are named of what is covered least.
const FILES: usize = 10;

/// Milliseconds and percent by which a gate must have become slower to be told so.
const SLOWER_MS: u64 = 1000;
const SLOWER_PERCENT: u64 = 25;

/// Returns the notes under a gate.
pub(super) fn lines(report: &GateReport, look: &Look) -> Vec<String> {
    if !matches!(report.state, GateState::Green | GateState::Red) {
        return Vec::new();
    }
    let mut notes = Vec::new();
    if let Some(tests) = &report.tests {
        notes.extend(flaky(tests, look));
        notes.extend(slowest(tests, look));
        if let Some(coverage) = &tests.coverage {
            notes.extend(covered(coverage, report.compared.as_ref(), look));
        }
    }
    if let Some(comparison) = &report.compared {
        notes.extend(compared(report, comparison, look));
    }
    let faint = |note: String| under(1, &look.paint.tone(Tone::Faint, &note));
    notes.into_iter().map(faint).collect()
}

fn flaky(tests: &TestReport, look: &Look) -> Vec<String> {
    let most = look.most(FLAKY);
    let named = tests.flaky.iter().take(most).map(|test| format!("flaky: {}, passed when it ran again", test.id));
    let rest = tests.flaky.len().saturating_sub(most);
    named.chain((rest > 0).then(|| format!("and {} more: `{ALL}`", counted(rest, "flaky test")))).collect()
}

fn slowest(tests: &TestReport, look: &Look) -> Vec<String> {
    let (least, most) = match look.lines {
        Lines::Shown => (0.0, usize::MAX),
        Lines::Kept => (SLOW, SLOWEST),
    };
    let slow = tests.slowest.iter().filter(|test| test.duration_s >= least).take(most);
    slow.map(|test| format!("slow: {:>7}  {}", seconds(test.duration_s), test.id)).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn seconds(seconds: f64) -> String {
    duration((seconds * 1000.0) as u64)
}

fn covered(coverage: &Coverage, comparison: Option<&Comparison>, look: &Look) -> Vec<String> {
    let before = comparison.and_then(|comparison| comparison.coverage.as_ref()).map(Coverage::percent);
    let now = coverage.percent();
    let change = match before {
        Some(before) if (before - now).abs() >= 0.05 => format!(", {before:.1} % when last green"),
        _ => String::new(),
    };
    let total = format!("covered: {now:.1} % of {}{change}", counted(coverage.total as usize, "statement"));
    let most = match look.lines {
        Lines::Shown => FILES,
        Lines::Kept => 0,
    };
    let files = coverage.files.iter().filter(|file| file.covered < file.total).take(most);
    let file = |file: &FileCoverage| {
        let percent = f64::from(file.covered) * 100.0 / f64::from(file.total.max(1));
        format!("  {percent:>5.1} %  {}", file.file)
    };
    std::iter::once(total).chain(files.map(file)).collect()
}

fn compared(report: &GateReport, comparison: &Comparison, look: &Look) -> Vec<String> {
    let ago = |at: &str| match look.now.map(|now| age(at, now)) {
        Some(age) if age == "now" => "just now".to_owned(),
        Some(age) if age.ends_with(char::is_numeric) => format!("on {age}"),
        Some(age) => format!("{age} ago"),
        None => format!("at {at}"),
    };
    let mut notes = Vec::new();
    if let Some(before) = &comparison.before
        && (report.state == GateState::Red || comparison.mended > 0)
    {
        let counts = [(comparison.new, "new"), (comparison.mended, "mended")];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let told = if told.is_empty() { "the same".to_owned() } else { told.join(", ") };
        notes.push(format!("since the run {}: {told}", ago(&before.at)));
    }
    match &comparison.green {
        Some(green) => {
            let counts = [(comparison.broken, "broke"), (comparison.added, "added"), (comparison.removed, "removed")];
            let mut told: Vec<String> =
                counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
            told.extend(
                comparison
                    .duration_ms
                    .filter(|then| is_slower(*then, report.duration_ms))
                    .map(|then| format!("took {} then", duration(then))),
            );
            if !told.is_empty() || report.state == GateState::Red {
                let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
                notes.push(format!("last green {}{told}", ago(&green.at)));
            }
        }
        None if report.state == GateState::Red => notes.push("never green yet".to_owned()),
        None => {}
    }
    notes
}

fn is_slower(then: u64, now: u64) -> bool {
    now.saturating_sub(then) >= SLOWER_MS && now > then.saturating_add(then / 100 * SLOWER_PERCENT)
}
