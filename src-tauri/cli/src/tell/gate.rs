//! What a gate found, as lines: its own line, the first findings and failures with their code, then what is worth knowing besides.

mod code;
mod notes;

use jiff::Timestamp;
use nonevent_engine::model::{Finding, GateReport, GateState, Level, TestOutcome};

use super::Lines;
use super::layout::{Glyph, Row, under};
use crate::paint::{Paint, Tone};
use crate::words::{self, counted};

/// How much of a red gate is printed unless more is asked for.
const FINDINGS: usize = 20;
const TEXT_LINES: usize = 40;
/// Findings and tests that are printed with their code: what many fail by is mostly one thing, and the first ones tell it.
const EXPANDED: usize = 3;

/// How much a reader wants to see, and on what.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether there is colour.
    pub paint: Paint,
    /// Whether everything is shown.
    pub lines: Lines,
    /// The columns of the terminal, when it is one.
    pub width: Option<usize>,
    /// The present, for ages; without it none are told.
    pub now: Option<Timestamp>,
}

impl Look {
    fn most(&self, usual: usize) -> usize {
        match self.lines {
            Lines::Shown => usize::MAX,
            Lines::Kept => usual,
        }
    }
}

/// Returns the line of a gate that ended and, when it does not pass, what it found.
pub fn lines(report: &GateReport, look: &Look) -> Vec<String> {
    let row = Row { indent: 1, glyph: glyph(&report.state), name: &report.gate, summary: &summary(report), took: took(report) };
    let mut printed = vec![row.render(look.paint)];
    if !report.state.passes() {
        printed.extend(findings(report, look));
        printed.extend(failures(report, look));
        if printed.len() == 1 || matches!(report.state, GateState::Error { .. }) {
            printed.extend(report.tail.iter().map(|line| under(1, line)));
        }
    }
    printed.extend(notes::lines(report, look));
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
        let flaky = u32::try_from(tests.flaky.len()).unwrap_or(u32::MAX);
        let passed = tests.passed.saturating_sub(flaky);
        let counts = [
            (tests.failed, "failed"),
            (tests.errors, "broken"),
            (flaky, "flaky"),
            (passed, "passed"),
            (tests.skipped, "skipped"),
        ];
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

fn findings(report: &GateReport, look: &Look) -> Vec<String> {
    let most = look.most(FINDINGS);
    let shown: Vec<(String, &Finding)> = report.findings.iter().take(most).map(|finding| (place(finding), finding)).collect();
    let width = shown.iter().map(|(place, _)| console::measure_text_width(place)).max().unwrap_or_default();
    let rule_width = shown.iter().filter_map(|(_, finding)| finding.rule.as_ref()).map(|rule| rule.len()).max();
    let mut printed = Vec::new();
    for (index, (place, finding)) in shown.into_iter().enumerate() {
        let blank = " ".repeat(width.saturating_sub(console::measure_text_width(&place)));
        let rule =
            rule_width.map(|width| format!("{:width$}  ", finding.rule.as_deref().unwrap_or_default())).unwrap_or_default();
        let mut message = finding.message.trim_end().lines();
        let first = message.next().unwrap_or_default();
        let mark = new_mark(finding.new, look.paint);
        let line =
            format!("{}{blank}  {}{first}{mark}", look.paint.tone(Tone::Strong, &place), look.paint.tone(Tone::Faint, &rule));
        let line = under(1, &line);
        match look.width.filter(|width| console::measure_text_width(&line) > *width) {
            None => printed.push(line),
            // What does not fit beside its place stands below it.
            Some(width) => {
                let rule = finding.rule.as_deref().map(|rule| format!("  {}", look.paint.tone(Tone::Faint, rule)));
                let rule = rule.unwrap_or_default();
                printed.push(under(1, &format!("{}{rule}{mark}", look.paint.tone(Tone::Strong, &place))));
                printed.extend(code::wrapped(first, width.saturating_sub(8)).iter().map(|line| under(2, line)));
            }
        }
        printed.extend(message.map(|line| under(2, line)));
        if index < look.most(EXPANDED)
            && let (Some(excerpt), Some(line)) = (&finding.excerpt, finding.line)
        {
            printed.extend(code::lines(excerpt, line, look));
        }
    }
    printed.extend(rest(report.findings.len(), most, "finding", look));
    printed
}

/// As editors and terminals make it a link: `file:line:column`.
fn place(finding: &Finding) -> String {
    let number = |number: Option<u32>| number.map(|number| format!(":{number}")).unwrap_or_default();
    format!("{}{}{}", finding.file, number(finding.line), number(finding.line.and(finding.column)))
}

fn new_mark(new: bool, paint: Paint) -> String {
    match new {
        true => format!("  {}", paint.tone(Tone::Warn, "new")),
        false => String::new(),
    }
}

fn failures(report: &GateReport, look: &Look) -> Vec<String> {
    let Some(tests) = &report.tests else { return Vec::new() };
    let most = look.most(FINDINGS);
    let texts = look.most(EXPANDED);
    let (first, others) = tests.failures.split_at(texts.min(tests.failures.len()));
    let mut printed: Vec<String> = first.iter().flat_map(|test| failure(test, look)).collect();
    for test in others.iter().take(most.saturating_sub(first.len())) {
        printed.extend(heading(test, look));
        printed.extend(test.message.lines().next().map(|line| under(2, line)));
    }
    printed.extend(rest(tests.failures.len(), most, "test", look));
    printed
}

fn heading(test: &TestOutcome, look: &Look) -> Vec<String> {
    let place = match (&test.file, test.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        _ => String::new(),
    };
    let mark = new_mark(test.new, look.paint);
    let id = look.paint.tone(Tone::Strong, &test.id);
    let line = under(1, format!("{id}  {place}{mark}").trim_end());
    match look.width.filter(|width| console::measure_text_width(&line) > *width && !place.is_empty()) {
        None => vec![line],
        Some(_) => vec![under(1, &format!("{id}{mark}")), under(1, &place)],
    }
}

fn failure(test: &TestOutcome, look: &Look) -> Vec<String> {
    let mut printed = heading(test, look);
    let text: Vec<&str> = match test.text.trim().is_empty() {
        true => test.message.lines().collect(),
        false => test.text.trim_matches('\n').lines().collect(),
    };
    let most = look.most(TEXT_LINES);
    // The end of a traceback says what went wrong, its beginning only how the test was called.
    let left_out = text.len().saturating_sub(most);
    if left_out > 0 {
        printed.push(under(2, &format!("({} before: `{ALL}`)", counted(left_out, "line"))));
    }
    printed.extend(text.iter().skip(left_out).map(|line| under(2, line)));
    if let (Some(excerpt), Some(line)) = (&test.excerpt, test.line) {
        printed.extend(code::lines(excerpt, line, look));
    }
    if look.lines == Lines::Shown && !test.output.is_empty() {
        printed.extend(test.output.lines().map(|line| under(2, line)));
    }
    printed
}

/// The command that shows everything.
const ALL: &str = "nonevent results -v";

fn rest(all: usize, most: usize, noun: &str, look: &Look) -> Option<String> {
    let rest = all.checked_sub(most).filter(|rest| *rest > 0)?;
    let text = format!("and {} more: `{ALL}`", counted(rest, noun));
    Some(under(1, &look.paint.tone(Tone::Faint, &text)))
}
