//! Decides how a gate ended: green, red, or that it could not tell. Pure.

use super::command::Tool;
use crate::docker::once::OnceEnd;
use crate::model::{Finding, GateReport, GateState, Level, TestReport, TestResult};

/// What was read out of a tool's output.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    /// Its findings.
    pub(super) findings: Vec<Finding>,
    /// Its tests.
    pub(super) tests: Option<TestReport>,
    /// Every one of them.
    pub(super) results: Vec<TestResult>,
    /// Why its output could not be read.
    pub(super) unreadable: Option<String>,
}

/// The reason of a gate whose tool found no tests.
const NO_TESTS: &str = "no tests ran";

/// Tells whether a gate is in error for the only reason that there are no tests.
pub fn no_tests(report: &GateReport) -> bool {
    matches!(&report.state, GateState::Error { reason } if reason.starts_with(NO_TESTS))
}

/// Decides by what happened to the container first, then by the tool's own exit codes.
pub(super) fn judge(tool: Option<Tool>, end: &OnceEnd, reading: &Reading, limits: &Limits<'_>) -> GateState {
    if end.cancelled {
        return GateState::Skipped { reason: "it was cancelled".to_owned() };
    }
    if let Some(reason) = accident(tool, end, limits) {
        return GateState::Error { reason };
    }
    let wrong = reading.findings.iter().any(|finding| finding.level == Level::Error);
    let failed = || {
        error(
            match tool {
                Some(tool) => format!("{} failed with exit code {}", tool.package(), end.exit_code),
                None => format!("it ended with exit code {}", end.exit_code),
            },
            end,
        )
    };
    let unreadable = || reading.unreadable.clone().map(|reason| GateState::Error { reason });
    match (tool, end.exit_code) {
        (None, 0) => unreadable().unwrap_or_else(|| told(reading.tests.as_ref())),
        (None, _) => GateState::Red,
        (Some(Tool::Pytest), code) => pytest(code, reading, failed),
        (Some(_), 0 | 1) if reading.unreadable.is_some() => unreadable().unwrap_or(GateState::Red),
        (Some(_), 0) => GateState::Green,
        // It says that something is wrong and not what: whatever it printed was not its findings.
        (Some(_), 1) if reading.findings.is_empty() => failed(),
        (Some(_), 1) => GateState::Red,
        // mypy and ruff say 2 as well when a file of the project cannot be parsed.
        (Some(Tool::Mypy | Tool::RuffFormat | Tool::RuffCheck), 2) if wrong => GateState::Red,
        (Some(_), _) => failed(),
    }
}

/// Limits that a reason names.
pub(super) struct Limits<'a> {
    /// How long it may take, in words.
    pub(super) time: &'a str,
    /// Its memory, in words.
    pub(super) memory: &'a str,
}

/// Exit codes of pytest: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 wrong usage, 5 no tests.
fn pytest(code: i64, reading: &Reading, failed: impl Fn() -> GateState) -> GateState {
    let broken = reading.tests.as_ref().is_some_and(|tests| tests.failed + tests.errors > 0);
    match code {
        0 | 1 if reading.unreadable.is_some() => GateState::Error { reason: reading.unreadable.clone().unwrap_or_default() },
        0 => told(reading.tests.as_ref()),
        1 => GateState::Red,
        // A module that cannot be imported interrupts the collection: something wrong was found.
        2 if broken => GateState::Red,
        5 => GateState::Error { reason: NO_TESTS.to_owned() },
        _ => failed(),
    }
}

/// What the results say of a program that says all is well: a shell's `|| true` must not hide them, nor may nothing be proof.
fn told(tests: Option<&TestReport>) -> GateState {
    match tests {
        Some(tests) if tests.failed + tests.errors > 0 => GateState::Red,
        Some(TestReport { passed: 0, skipped: 0, .. }) => GateState::Error { reason: NO_TESTS.to_owned() },
        Some(TestReport { passed: 0, skipped, .. }) => {
            GateState::Error { reason: format!("{NO_TESTS}: {skipped} skipped, none passed") }
        }
        Some(_) | None => GateState::Green,
    }
}

/// What happened to the container, whatever the tool would have said.
fn accident(tool: Option<Tool>, end: &OnceEnd, limits: &Limits<'_>) -> Option<String> {
    if end.timed_out {
        return Some(format!("it did not end within {}", limits.time));
    }
    if end.oom && end.exit_code != 0 {
        return Some(format!("it ran out of memory (its limit is {})", limits.memory));
    }
    if let Some(module) = missing_module(tool, end) {
        return Some(missing(&module));
    }
    match end.exit_code {
        // What the shell says of a program that it does not find, or that is no program.
        127 if tool.is_none() => Some(format!("a program of its command is not in the image{}", last_words(end))),
        126 => Some(format!("its program cannot be executed{}", last_words(end))),
        code @ 129..=192 => Some(format!("it was ended by signal {}", code - 128)),
        _ => None,
    }
}

/// The words for a tool that is not in the image.
pub(super) fn missing(tool: &str) -> String {
    format!("`{tool}` is not in the image: add it to the project's development dependencies")
}

/// `python -m tool` ends with 1 and these words when there is no such module.
fn missing_module(tool: Option<Tool>, end: &OnceEnd) -> Option<String> {
    let module = tool?.package();
    let said = |line: &String| {
        let line = line.trim_end();
        line.ends_with(&format!("No module named {module}")) || line.ends_with(&format!("No module named '{module}'"))
    };
    (end.exit_code == 1 && end.tail.iter().any(said)).then(|| module.to_owned())
}

fn error(reason: String, end: &OnceEnd) -> GateState {
    GateState::Error { reason: format!("{reason}{}", last_words(end)) }
}

fn last_words(end: &OnceEnd) -> String {
    let last = end.tail.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
    last.map(|line| format!(": {line}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits<'static> = Limits { time: "5 minutes", memory: "2 GiB" };

    fn end(exit_code: i64, tail: &[&str]) -> OnceEnd {
        OnceEnd {
            exit_code,
            oom: false,
            timed_out: false,
            cancelled: false,
            dropped_lines: 0,
            printed: 0,
            stdout: Vec::new(),
            tail: tail.iter().map(|line| (*line).to_owned()).collect(),
            collected: Vec::new(),
            took: Duration::ZERO,
        }
    }

    fn finding(level: Level) -> Finding {
        Finding::new("a.py".into(), level, "m".into())
    }

    fn tests(failed: u32, errors: u32) -> Reading {
        Reading { tests: Some(TestReport { passed: 1, failed, errors, ..TestReport::default() }), ..Reading::default() }
    }

    #[test]
    fn exit_codes_mean_what_each_tool_means_by_them() {
        let found = Reading { findings: vec![finding(Level::Error)], ..Reading::default() };
        let noted = Reading { findings: vec![finding(Level::Warning)], ..Reading::default() };
        let none = Reading::default();
        let empty = Reading { tests: Some(TestReport::default()), ..Reading::default() };
        let skipped = Reading { tests: Some(TestReport { skipped: 5, ..TestReport::default() }), ..Reading::default() };
        let table = [
            (None, 0, &none, "green"),
            (None, 1, &none, "red"),
            (None, 5, &none, "red"),
            (None, 127, &none, "error"),
            (None, 139, &none, "error"),
            (None, 0, &tests(1, 0), "red"),
            (None, 0, &empty, "error"),
            (Some(Tool::RuffCheck), 0, &none, "green"),
            (Some(Tool::RuffCheck), 1, &none, "error"),
            (Some(Tool::Mypy), 1, &none, "error"),
            (Some(Tool::RuffCheck), 1, &found, "red"),
            (Some(Tool::RuffCheck), 2, &none, "error"),
            (Some(Tool::RuffFormat), 1, &found, "red"),
            (Some(Tool::RuffFormat), 2, &found, "red"),
            (Some(Tool::Mypy), 0, &noted, "green"),
            (Some(Tool::Mypy), 2, &found, "red"),
            (Some(Tool::Mypy), 2, &noted, "error"),
            (Some(Tool::Pyright), 1, &found, "red"),
            (Some(Tool::Pyright), 3, &none, "error"),
            (Some(Tool::Ty), 101, &none, "error"),
            (Some(Tool::Pytest), 0, &tests(0, 0), "green"),
            (Some(Tool::Pytest), 0, &tests(1, 0), "red"),
            (Some(Tool::Pytest), 0, &empty, "error"),
            (Some(Tool::Pytest), 0, &skipped, "error"),
            (Some(Tool::Pytest), 1, &tests(1, 0), "red"),
            (Some(Tool::Pytest), 2, &tests(0, 1), "red"),
            (Some(Tool::Pytest), 2, &none, "error"),
            (Some(Tool::Pytest), 3, &tests(1, 0), "error"),
            (Some(Tool::Pytest), 4, &none, "error"),
            (Some(Tool::Pytest), 5, &tests(0, 0), "error"),
        ];
        for (tool, code, reading, expected) in table {
            assert_eq!(judge(tool, &end(code, &[]), reading, &LIMITS).word(), expected, "{tool:?} {code}");
        }
    }

    #[test]
    fn accidents_say_what_happened() {
        let reason = |tool, end: &OnceEnd| match judge(tool, end, &Reading::default(), &LIMITS) {
            GateState::Error { reason } => reason,
            other => panic!("{other:?}"),
        };
        let timed_out = OnceEnd { timed_out: true, ..end(137, &[]) };
        assert_eq!(reason(Some(Tool::Pytest), &timed_out), "it did not end within 5 minutes");
        let oom = OnceEnd { oom: true, ..end(137, &[]) };
        assert_eq!(reason(None, &oom), "it ran out of memory (its limit is 2 GiB)");
        let module = end(1, &["/usr/bin/python: No module named pytest"]);
        assert_eq!(
            reason(Some(Tool::Pytest), &module),
            "`pytest` is not in the image: add it to the project's development dependencies"
        );
        assert_eq!(reason(None, &end(139, &[])), "it was ended by signal 11");
        let usage = end(4, &["ERROR: file or directory not found: tests", ""]);
        assert_eq!(
            reason(Some(Tool::Pytest), &usage),
            "pytest failed with exit code 4: ERROR: file or directory not found: tests"
        );
    }

    #[test]
    fn a_green_exit_code_with_unreadable_output_is_not_green() {
        let torn = Reading { unreadable: Some("ruff printed something unexpected".into()), ..Reading::default() };
        for tool in [Some(Tool::RuffCheck), Some(Tool::Pytest), Some(Tool::Mypy), None] {
            assert_eq!(judge(tool, &end(0, &[]), &torn, &LIMITS).word(), "error");
        }
    }

    #[test]
    fn an_ended_process_that_once_lacked_memory_is_judged_by_its_result() {
        let survived = OnceEnd { oom: true, ..end(0, &[]) };
        assert_eq!(judge(None, &survived, &Reading::default(), &LIMITS), GateState::Green);
    }

    #[test]
    fn having_no_tests_is_told_apart_from_other_errors() {
        let report = |state| GateReport {
            gate: "unit".into(),
            state,
            command: "pytest".into(),
            tool: None,
            duration_ms: 0,
            findings: Vec::new(),
            tests: None,
            tail: Vec::new(),
            compared: None,
        };
        assert!(no_tests(&report(judge(Some(Tool::Pytest), &end(5, &[]), &Reading::default(), &LIMITS))));
        assert!(!no_tests(&report(judge(Some(Tool::Pytest), &end(4, &[]), &Reading::default(), &LIMITS))));
        assert!(!no_tests(&report(GateState::Green)));
    }
}
