//! JUnit XML: a suite for each gate, a case for each test; of gates without tests a case for each finding.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::{NO_GATE, OURS, reason};
use crate::model::{Finding, GateName, GateReport, GateState, Level, RunResults, RunState, TestOutcome, TestResult, TestState};

/// Returns the report.
///
/// # Errors
/// When it cannot be written as XML.
pub(crate) fn junit(results: &RunResults, tests: &BTreeMap<GateName, Vec<TestResult>>) -> Result<String, SerializeError> {
    let mut report = Report::new(OURS);
    for gate in &results.gates {
        let tests = tests.get(&gate.gate).map(Vec::as_slice).unwrap_or_default();
        report.add_test_suite(suite(gate, tests));
    }
    if results.gates.is_empty() && results.run.state == RunState::Failed {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(NO_GATE);
        let mut suite = TestSuite::new(OURS);
        suite.add_test_case(TestCase::new(results.run.verb.as_str(), status));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn suite(gate: &GateReport, tests: &[TestResult]) -> TestSuite {
    let mut suite = TestSuite::new(gate.gate.as_str());
    suite.set_time(Duration::from_millis(gate.duration_ms));
    suite.add_property(("state", gate.state.word()));
    suite.add_property(("command", gate.command.as_str()));
    if let Some(tool) = &gate.tool {
        suite.add_property(("tool", tool.as_str()));
    }
    let told = gate.tests.iter().flat_map(|tests| tests.failures.iter().chain(&tests.flaky));
    let outcomes: HashMap<&str, &TestOutcome> = told.map(|outcome| (outcome.id.as_str(), outcome)).collect();
    suite.add_test_cases(tests.iter().map(|test| case(test, outcomes.get(test.id.as_str()).copied())));
    suite.add_test_cases(gate.findings.iter().filter(|finding| finding.level == Level::Error).map(|one| finding(gate, one)));
    // A gate that could not tell is an error also where its tests were counted; one without any case stands for itself.
    let says_nothing = suite.test_cases.is_empty();
    match (&gate.state, reason(&gate.state)) {
        (GateState::Error { .. }, Some(reason)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(reason).set_description(gate.tail.join("\n"));
            suite.add_test_case(TestCase::new(gate.gate.as_str(), status));
        }
        (_, Some(reason)) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            suite.add_test_case(TestCase::new(gate.gate.as_str(), status));
        }
        (GateState::Red, None) if says_nothing => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("`{}` is red", gate.command)).set_description(gate.tail.join("\n"));
            suite.add_test_case(TestCase::new(gate.gate.as_str(), status));
        }
        (_, None) if says_nothing => {
            suite.add_test_case(TestCase::new(gate.gate.as_str(), TestCaseStatus::success()));
        }
        _ => {}
    }
    suite
}

fn case(test: &TestResult, outcome: Option<&TestOutcome>) -> TestCase {
    let said = |status: &mut TestCaseStatus| {
        if let Some(outcome) = outcome {
            status.set_message(outcome.message.as_str()).set_description(outcome.text.as_str());
        }
    };
    let status = match test.state {
        TestState::Passed => TestCaseStatus::success(),
        TestState::Skipped => TestCaseStatus::skipped(),
        TestState::Failed | TestState::Error => {
            let mut status = TestCaseStatus::non_success(match test.state {
                TestState::Error => NonSuccessKind::Error,
                _ => NonSuccessKind::Failure,
            });
            said(&mut status);
            status
        }
        TestState::Flaky => {
            let mut rerun = TestRerun::new(NonSuccessKind::Failure);
            if let Some(outcome) = outcome {
                rerun.set_message(outcome.message.as_str()).set_description(outcome.text.as_str());
            }
            let mut status = TestCaseStatus::success();
            status.add_rerun(rerun);
            status
        }
    };
    // As pytest itself: the module and classes, and the test's own name.
    let (class, name) = split(&test.id);
    let mut case = TestCase::new(name, status);
    if !class.is_empty() {
        case.set_classname(class);
    }
    case.set_time(Duration::try_from_secs_f64(test.duration_s).unwrap_or_default());
    if let Some(outcome) = outcome.filter(|outcome| !outcome.output.is_empty()) {
        case.set_system_out(outcome.output.as_str());
    }
    if let Some(file) = outcome.and_then(|outcome| outcome.file.as_ref()) {
        case.extra.insert("file".into(), file.as_str().into());
    }
    if let Some(line) = outcome.and_then(|outcome| outcome.line) {
        case.extra.insert("line".into(), line.to_string().into());
    }
    case
}

/// Takes a node id apart; what stands in a test's brackets may hold anything.
fn split(id: &str) -> (String, &str) {
    let end = id.find('[').unwrap_or(id.len());
    match id.get(..end).and_then(|head| head.rfind("::")) {
        Some(at) => {
            let (class, name) = (id.get(..at).unwrap_or_default(), id.get(at + 2..).unwrap_or_default());
            (class.replacen(".py", "", 1).replace('/', ".").replace("::", "."), name)
        }
        None => (String::new(), id),
    }
}

fn finding(gate: &GateReport, finding: &Finding) -> TestCase {
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = format!("{}{line}", finding.file);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(finding.message.as_str());
    if let Some(rule) = &finding.rule {
        status.set_type(rule.as_str());
    }
    status.set_description(format!("{place}: {}", finding.message));
    let mut case = TestCase::new(finding.rule.as_ref().map_or_else(|| place.clone(), |rule| format!("{rule} {place}")), status);
    case.set_classname(gate.gate.as_str());
    case.extra.insert("file".into(), finding.file.as_str().into());
    if let Some(line) = finding.line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    case
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
