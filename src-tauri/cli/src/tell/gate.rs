//! What a gate found, as lines.

use nonevent_engine::model::{Finding, GateReport, GateState, Level, TestOutcome};

use super::Lines;
use super::layout::{Glyph, Row, under};
use crate::paint::{Paint, Tone};
use crate::words::{self, counted};

/// How much of a red gate is printed unless more is asked for.
const FINDINGS: usize = 20;
const TEXT_LINES: usize = 40;
/// Tests whose text is printed: what many tests fail by is mostly one thing, and the first ones tell it.
const TEXTS: usize = 3;

/// Returns the line of a gate that ended and, when it does not pass, what it found.
pub fn lines(report: &GateReport, lines: Lines, paint: Paint) -> Vec<String> {
    let row = Row { indent: 1, glyph: glyph(&report.state), name: &report.gate, summary: &summary(report), took: took(report) };
    let mut printed = vec![row.render(paint)];
    if !report.state.passes() {
        printed.extend(findings(report, lines, paint));
        printed.extend(failures(report, lines, paint));
        if printed.len() == 1 {
            printed.extend(report.tail.iter().map(|line| under(1, line)));
        }
    }
    printed
}

fn glyph(state: &GateState) -> Glyph {
    match state {
        GateState::Green | GateState::Cached { .. } => Glyph::Done,
        GateState::Red => Glyph::Failed,
        GateState::Error { .. } => Glyph::Trouble,
        GateState::Skipped { .. } | GateState::NotSetUp => Glyph::Idle,
    }
}

/// What did not run took no time.
fn took(report: &GateReport) -> Option<u64> {
    match report.state {
        GateState::Green | GateState::Red | GateState::Error { .. } => Some(report.duration_ms),
        GateState::Skipped { .. } | GateState::Cached { .. } | GateState::NotSetUp => None,
    }
}

fn summary(report: &GateReport) -> String {
    let tool = report.tool.as_ref().map(|tool| format!(" ({tool})")).unwrap_or_default();
    match &report.state {
        GateState::Green | GateState::Red => match result(report) {
            Some(result) => format!("{}: {result}{tool}", report.state.word()),
            None => format!("{}{tool}", report.state.word()),
        },
        GateState::Error { reason } => format!("error: {reason}"),
        GateState::Skipped { reason } => format!("skipped: {reason}"),
        GateState::Cached { at } => format!("cached: green on {}, inputs unchanged", words::minute(at)),
        GateState::NotSetUp => "not set up".into(),
    }
}

/// What it counted; nothing for a tool that only said no.
fn result(report: &GateReport) -> Option<String> {
    if let Some(tests) = &report.tests {
        let counts = [(tests.failed, "failed"), (tests.errors, "broken"), (tests.passed, "passed"), (tests.skipped, "skipped")];
        let told: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        return match told.is_empty() {
            true => Some("no tests".into()),
            false => Some(told.join(", ")),
        };
    }
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error).count();
    let warnings = report.findings.len() - errors;
    match (errors, warnings) {
        (0, 0) if report.state == GateState::Red => None,
        (0, 0) => Some("nothing found".into()),
        (0, _) => Some(counted(warnings, "warning")),
        (_, 0) => Some(counted(errors, "finding")),
        _ => Some(format!("{}, {}", counted(errors, "finding"), counted(warnings, "warning"))),
    }
}

fn findings(report: &GateReport, lines: Lines, paint: Paint) -> Vec<String> {
    let most = most(lines, FINDINGS);
    let shown: Vec<(String, &Finding)> = report.findings.iter().take(most).map(|finding| (place(finding), finding)).collect();
    let width = shown.iter().map(|(place, _)| console::measure_text_width(place)).max().unwrap_or_default();
    let rule_width = shown.iter().filter_map(|(_, finding)| finding.rule.as_ref()).map(|rule| rule.len()).max();
    let mut printed = Vec::new();
    for (place, finding) in shown {
        let blank = " ".repeat(width.saturating_sub(console::measure_text_width(&place)));
        let rule =
            rule_width.map(|width| format!("{:width$}  ", finding.rule.as_deref().unwrap_or_default())).unwrap_or_default();
        let mut message = finding.message.trim_end().lines();
        let first = message.next().unwrap_or_default();
        printed
            .push(under(1, &format!("{}{blank}  {}{first}", paint.tone(Tone::Strong, &place), paint.tone(Tone::Faint, &rule))));
        printed.extend(message.map(|line| under(2, line)));
    }
    printed.extend(rest(report.findings.len(), most, "finding"));
    printed
}

/// As editors and terminals make it a link: `file:line:column`.
fn place(finding: &Finding) -> String {
    let number = |number: Option<u32>| number.map(|number| format!(":{number}")).unwrap_or_default();
    format!("{}{}{}", finding.file, number(finding.line), number(finding.line.and(finding.column)))
}

fn failures(report: &GateReport, lines: Lines, paint: Paint) -> Vec<String> {
    let Some(tests) = &report.tests else { return Vec::new() };
    let most = most(lines, FINDINGS);
    let texts = self::most(lines, TEXTS);
    let (first, others) = tests.failures.split_at(texts.min(tests.failures.len()));
    let mut printed: Vec<String> = first.iter().flat_map(|test| failure(test, lines, paint)).collect();
    for test in others.iter().take(most.saturating_sub(first.len())) {
        printed.push(heading(test, paint));
        printed.extend(test.message.lines().next().map(|line| under(2, line)));
    }
    printed.extend(rest(tests.failures.len(), most, "test"));
    printed
}

fn heading(test: &TestOutcome, paint: Paint) -> String {
    let place = match (&test.file, test.line) {
        (Some(file), Some(line)) => format!("  {file}:{line}"),
        (Some(file), None) => format!("  {file}"),
        _ => String::new(),
    };
    under(1, &format!("{}{place}", paint.tone(Tone::Strong, &test.id)))
}

fn failure(test: &TestOutcome, lines: Lines, paint: Paint) -> Vec<String> {
    let mut printed = vec![heading(test, paint)];
    let text: Vec<&str> = match test.text.trim().is_empty() {
        true => test.message.lines().collect(),
        false => test.text.trim_matches('\n').lines().collect(),
    };
    let most = most(lines, TEXT_LINES);
    // The end of a traceback says what went wrong, its beginning only how the test was called.
    let left_out = text.len().saturating_sub(most);
    if left_out > 0 {
        printed.push(under(2, &format!("({} before are shown with `-v`)", counted(left_out, "line"))));
    }
    printed.extend(text.iter().skip(left_out).map(|line| under(2, line)));
    printed
}

fn most(lines: Lines, usual: usize) -> usize {
    match lines {
        Lines::Shown => usize::MAX,
        Lines::Kept => usual,
    }
}

fn rest(all: usize, most: usize, noun: &str) -> Option<String> {
    let rest = all.checked_sub(most).filter(|rest| *rest > 0)?;
    Some(under(1, &format!("and {} more, shown with `-v`", counted(rest, noun))))
}
