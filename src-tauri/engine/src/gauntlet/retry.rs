//! Runs failed tests again, as often as the configuration allows: those that pass then are flaky, and named.

use std::collections::HashSet;

use super::Hall;
use super::container::JUNIT_FILE;
use super::judge::Reading;
use super::readers::Paths;
use super::readers::junit::{self, Tests};
use crate::docker::LineSender;
use crate::docker::once::{self, OnceSpec};
use crate::model::{GateSettings, GateState, LogStream, TestState};

/// Failed tests that are run again. When more fail than these, something is broken rather than flaky.
const MOST: usize = 50;

/// Runs only what failed, in fresh containers, until all of it has passed or the configured number of times is over.
///
/// pytest itself remembers what failed (`--last-failed`), so that nothing of the command has to be understood. What it then runs is
/// believed only as far as it names tests that failed before.
pub(super) async fn again(
    hall: &Hall<'_>,
    settings: &GateSettings,
    spec: &OnceSpec,
    reading: &mut Reading,
    paths: &Paths,
) -> GateState {
    let mut spec = spec.clone();
    spec.env.entry("PYTEST_ADDOPTS".to_owned()).or_default().push_str(" --last-failed --last-failed-no-failures none");
    for attempt in 1..=settings.retries {
        let failed = reading.tests.as_ref().map_or(0, |tests| tests.failures.len());
        if failed == 0 || failed > MOST || hall.stop.is_cancelled() {
            break;
        }
        let note = format!("running {failed} failed {} again ({attempt} of {})", tests_word(failed), settings.retries);
        LineSender::new(&settings.name, hall.lines).send(LogStream::Stderr, note).await;
        let Ok(end) = once::run(hall.docker, &spec, hall.lines, &hall.stop).await else { break };
        let report = end.collected.get(JUNIT_FILE).and_then(Option::as_ref);
        match report.map(|xml| junit::read(xml, paths)) {
            Some(Ok(tests)) if matches!(end.exit_code, 0 | 1) => absorb(reading, &tests),
            _ => break,
        }
    }
    match &reading.tests {
        Some(tests) if tests.failed + tests.errors == 0 && !tests.flaky.is_empty() => GateState::Green,
        _ => GateState::Red,
    }
}

fn tests_word(count: usize) -> &'static str {
    if count == 1 { "test" } else { "tests" }
}

/// Takes over what a further attempt found.
fn absorb(reading: &mut Reading, attempt: &Tests) {
    let Some(tests) = &mut reading.tests else { return };
    let passed: HashSet<&str> =
        attempt.results.iter().filter(|test| test.state == TestState::Passed).map(|test| test.id.as_str()).collect();
    let (flaky, failures): (Vec<_>, Vec<_>) =
        std::mem::take(&mut tests.failures).into_iter().partition(|failure| passed.contains(failure.id.as_str()));
    tests.failures = failures;
    for mut outcome in flaky {
        let counter = match outcome.state {
            TestState::Error => &mut tests.errors,
            _ => &mut tests.failed,
        };
        *counter = counter.saturating_sub(1);
        tests.passed += 1;
        outcome.state = TestState::Flaky;
        if let Some(result) = reading.results.iter_mut().find(|result| result.id == outcome.id) {
            result.state = TestState::Flaky;
        }
        tests.flaky.push(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Tests {
        junit::read(xml.as_bytes(), &Paths::new("/app")).expect("report")
    }

    #[test]
    fn only_tests_that_failed_and_passed_then_are_flaky() {
        let first = read(
            r#"<testsuite><testcase classname="t" name="a" file="t.py"><failure message="x"/></testcase>
            <testcase classname="t" name="b" file="t.py"><error message="x"/></testcase>
            <testcase classname="t" name="c" file="t.py"><failure message="x"/></testcase>
            <testcase classname="t" name="d" file="t.py"/></testsuite>"#,
        );
        let mut reading = Reading { tests: Some(first.report), results: first.results, ..Reading::default() };
        let second = read(
            r#"<testsuite><testcase classname="t" name="a" file="t.py"/><testcase classname="t" name="b" file="t.py"/>
            <testcase classname="t" name="c" file="t.py"><skipped/></testcase><testcase classname="t" name="z" file="t.py"/></testsuite>"#,
        );
        absorb(&mut reading, &second);
        let tests = reading.tests.expect("tests");
        assert_eq!((tests.passed, tests.failed, tests.errors), (3, 1, 0), "a skipped test has not passed");
        assert_eq!(tests.flaky.iter().map(|test| test.id.as_str()).collect::<Vec<_>>(), ["t.py::a", "t.py::b"]);
        assert_eq!(tests.failures.iter().map(|test| test.id.as_str()).collect::<Vec<_>>(), ["t.py::c"]);
        let states: Vec<TestState> = reading.results.iter().map(|result| result.state).collect();
        assert_eq!(states, [TestState::Flaky, TestState::Flaky, TestState::Failed, TestState::Passed]);
    }
}
