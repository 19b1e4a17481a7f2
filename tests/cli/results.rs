//! What gates found: on wide and on narrow terminals, again from memory, and as commands of a workflow.

use std::ffi::OsString;
use std::path::Path;

use nonevent_cli::paint::Paint;
use nonevent_cli::session::{Detail, View};
use nonevent_cli::tell::{Lines, Look, Workflow, gate_lines};
use nonevent_cli::verbs::results;
use nonevent_engine::model::{
    Comparison, Coverage, Excerpt, FileCoverage, Finding, GateReport, GateState, Level, RunMark, RunRecord, RunResults, RunState,
    TestOutcome, TestPast, TestReport, TestResult, TestState,
};

use crate::scenarios::gate;

const NOW: &str = "2026-11-23T10:00:00Z";

fn mark(run: &str, at: &str) -> Option<RunMark> {
    Some(RunMark { run: run.into(), at: at.into() })
}

fn excerpt(first: u32, lines: &[&str]) -> Option<Excerpt> {
    Some(Excerpt { first, lines: lines.iter().map(|line| (*line).into()).collect() })
}

/// More than is expanded, some of it new.
fn lint() -> GateReport {
    let finding = |line: u32, rule: &str, message: &str| Finding {
        line: Some(line),
        column: Some(5),
        rule: Some(rule.into()),
        excerpt: excerpt(
            line - 1,
            &["def total(prices):", "    return sum(prices, start=0) + delivery(prices, express=False, gift=False)", ""],
        ),
        ..Finding::new("shop/orders.py".into(), Level::Error, message.into())
    };
    let first = Finding {
        new: true,
        ..finding(98, "PLR0913", "Too many arguments in function definition (7 > 5), which nobody who calls it will remember")
    };
    let mut findings = vec![first];
    findings.extend((10..34).map(|line| finding(line, "F401", "`os` imported but unused")));
    let compared = Comparison {
        before: mark("r1", "2026-11-23T09:58:00Z"),
        new: 1,
        mended: 2,
        green: mark("r0", "2026-11-20T10:00:00Z"),
        ..Comparison::default()
    };
    GateReport { findings, compared: Some(compared), ..gate("lint", GateState::Red, "ruff 0.17.6", 400) }
}

fn unit() -> GateReport {
    let failure = TestOutcome {
        id: "tests/unit/test_orders.py::TestOrders::test_total".into(),
        file: Some("tests/unit/test_orders.py".into()),
        line: Some(12),
        message: "assert 3 == 4".into(),
        text: "    def test_total(self):\n>       assert total([1, 2]) == 4\nE       assert 3 == 4".into(),
        output: "--- Captured Out ---\nadding up".into(),
        duration_s: 0.01,
        new: true,
        ..TestOutcome::default()
    };
    let short = TestOutcome {
        id: "tests/unit/test_orders.py::test_delivery".into(),
        line: Some(30),
        text: "KeyError: 'express'".into(),
        message: "KeyError: 'express'".into(),
        new: false,
        excerpt: excerpt(29, &["def test_delivery():", "    assert delivery([])[\"express\"]"]),
        ..failure.clone()
    };
    let flaky = TestOutcome { id: "tests/unit/test_mail.py::test_sent".into(), state: TestState::Flaky, ..short.clone() };
    let slow = |id: &str, duration_s| TestResult { id: id.into(), state: TestState::Passed, duration_s };
    let file = |file: &str, covered, total| FileCoverage { file: file.into(), covered, total };
    let tests = TestReport {
        passed: 298,
        failed: 2,
        failures: vec![failure, short],
        flaky: vec![flaky],
        slowest: vec![
            slow("tests/unit/test_mail.py::test_sent", 61.2),
            slow("tests/unit/test_a.py::test_b", 0.72),
            slow("tests/unit/test_a.py::test_c", 0.2),
        ],
        coverage: Some(Coverage {
            covered: 811,
            total: 1000,
            files: vec![file("shop/mail.py", 1, 40), file("shop/main.py", 10, 10)],
        }),
        ..TestReport::default()
    };
    let compared = Comparison {
        before: mark("r1", "2026-11-23T09:58:00Z"),
        new: 1,
        green: mark("r0", "2026-11-20T10:00:00Z"),
        broken: 1,
        added: 4,
        duration_ms: Some(8000),
        coverage: Some(Coverage { covered: 820, total: 1000, files: Vec::new() }),
        ..Comparison::default()
    };
    GateReport { tests: Some(tests), compared: Some(compared), ..gate("unit", GateState::Red, "pytest 9.2.0", 12_300) }
}

fn told(report: &GateReport, lines: Lines, width: Option<usize>) -> String {
    let look = Look { paint: Paint::Plain, lines, width, now: Some(NOW.parse().unwrap()) };
    gate_lines(report, &look).join("\n")
}

#[test]
fn findings_on_a_wide_terminal() {
    insta::assert_snapshot!(told(&lint(), Lines::Kept, Some(140)));
}

#[test]
fn findings_on_a_narrow_terminal() {
    let told = told(&lint(), Lines::Kept, Some(60));
    let wide = |line: &&str| console::measure_text_width(line) > 60 && !line.contains("(ruff");
    assert_eq!(told.lines().filter(wide).collect::<Vec<_>>(), Vec::<&str>::new());
    insta::assert_snapshot!(told);
}

#[test]
fn everything_is_shown_to_those_who_ask() {
    let told = told(&lint(), Lines::Shown, None);
    assert_eq!(told.matches("F401").count(), 24);
    assert_eq!(told.matches("        > ").count(), 25, "each with its code");
}

#[test]
fn tests_on_a_wide_terminal() {
    insta::assert_snapshot!(told(&unit(), Lines::Kept, Some(140)));
}

#[test]
fn tests_on_a_narrow_terminal() {
    insta::assert_snapshot!(told(&unit(), Lines::Kept, Some(60)));
}

#[test]
fn tests_with_everything() {
    insta::assert_snapshot!(told(&unit(), Lines::Shown, None));
}

#[test]
fn a_green_gate_says_what_is_flaky_and_slow_and_no_more() {
    let tests = TestReport { failures: Vec::new(), failed: 0, ..unit().tests.unwrap() };
    let compared = Comparison { new: 0, mended: 2, broken: 0, ..unit().compared.unwrap() };
    let green = GateReport { state: GateState::Green, tests: Some(tests), compared: Some(compared), ..unit() };
    insta::assert_snapshot!(told(&green, Lines::Kept, None), @r"
      ✓ unit         green: 1 flaky, 297 passed (pytest 9.2.0)             12.3 s
          flaky: tests/unit/test_mail.py::test_sent, passed when it ran again
          slow:  1m 01s  tests/unit/test_mail.py::test_sent
          slow:   0.7 s  tests/unit/test_a.py::test_b
          covered: 81.1 % of 1000 statements, 82.0 % when last green
          since the run 2 min ago: 2 mended
          last green 3 d ago: 4 added, took 8.0 s then
    ");
}

fn run() -> RunRecord {
    RunRecord {
        id: "0193574e28007a0c8f1d2b3c4d5e6f70".into(),
        project: "shop".into(),
        environment: None,
        verb: "check".into(),
        state: RunState::Failed,
        release: None,
        started_at: "2026-11-23T09:57:00Z".into(),
        finished_at: Some("2026-11-23T09:58:00Z".into()),
        by: "ada@laptop".into(),
    }
}

fn view() -> View {
    View { paint: Paint::Plain, detail: Detail::Normal, width: None, now: NOW.parse().unwrap() }
}

#[test]
fn results_are_told_again() {
    let not_set_up = GateReport { tool: None, ..gate("types", GateState::NotSetUp, "", 0) };
    let results = RunResults { run: run(), gates: vec![unit(), not_set_up] };
    let told = results::text(&results, view());
    assert!(
        told.starts_with("check 0193574e28007a0c8f1d2b3c4d5e6f70, begun 3 min ago by ada@laptop, failed\n  ✗ unit"),
        "{told}"
    );
    assert!(told.ends_with("  – types        not set up"), "{told}");
}

#[test]
fn the_past_of_a_test_and_the_slowest_as_tables() {
    let test = |state, duration_s| TestResult { id: "tests/test_a.py::test_b".into(), state, duration_s };
    let past = |at: &str, test: TestResult, message: Option<&str>| TestPast {
        run: "0193574e28007a0c8f1d2b3c4d5e6f70".into(),
        gate: "unit".into(),
        at: at.into(),
        test,
        message: message.map(Into::into),
    };
    let every = [
        past("2026-11-23T09:58:00Z", test(TestState::Failed, 0.012), Some("assert 3 == 4")),
        past("2026-11-23T08:00:00Z", test(TestState::Flaky, 1.5), Some("timed out")),
        past("2026-11-22T10:00:00Z", test(TestState::Passed, 0.01), None),
    ];
    insta::assert_snapshot!(results::history(&every, view()), @r"
    tests/test_a.py::test_b
      age  state      took  gate  run
    2 min  ✗ failed  12 ms  unit  0193574e28007a0c8f1d2b3c4d5e6f70
      assert 3 == 4
      2 h  ! flaky   1.5 s  unit  0193574e28007a0c8f1d2b3c4d5e6f70
      timed out
      1 d  ✓ passed  10 ms  unit  0193574e28007a0c8f1d2b3c4d5e6f70
    ");
    let slow = [("unit", &test(TestState::Passed, 61.2)), ("integration", &test(TestState::Skipped, 0.05))];
    insta::assert_snapshot!(results::slowest(&slow, view()), @r"
      took  state      gate         test
    1m 01s  ✓ passed   unit         tests/test_a.py::test_b
     50 ms  – skipped  integration  tests/test_a.py::test_b
    ");
}

#[test]
fn annotations_are_escaped_in_turn_and_no_more_than_are_shown() {
    let workflow = Workflow { prefix: "services/shop/".into() };
    let hostile = Finding {
        line: Some(3),
        column: Some(1),
        ..Finding::new("a,b:c%.py".into(), Level::Warning, "one\n::error::two\r100%".into())
    };
    let types = GateReport { findings: vec![hostile], ..gate("types", GateState::Red, "mypy 2.4.1", 1) };
    let torn = gate("docs", GateState::Error { reason: "it was torn".into() }, "", 1);
    let told = workflow.annotations(&[lint(), unit(), types, torn, gate("format", GateState::Green, "", 1)]);
    assert_eq!(told.iter().filter(|line| line.starts_with("::error")).count(), 10);
    assert_eq!(told.iter().filter(|line| line.starts_with("::warning")).count(), 1);
    assert!(told.iter().all(|line| !line.contains('\n') && !line.contains('\r')));
    insta::assert_snapshot!(told.iter().take(5).cloned().collect::<Vec<_>>().join("\n"), @r"
    ::error file=services/shop/shop/orders.py,line=98,col=5,title=lint%3A PLR0913::Too many arguments in function definition (7 > 5), which nobody who calls it will remember
    ::error file=services/shop/tests/unit/test_orders.py,line=12,title=unit%3A tests/unit/test_orders.py%3A%3ATestOrders%3A%3Atest_total::assert 3 == 4
    ::warning file=services/shop/a%2Cb%3Ac%25.py,line=3,col=1,title=types::one%0A::error::two%0D100%25
    ::error title=docs::it was torn
    ::error file=services/shop/shop/orders.py,line=10,col=5,title=lint%3A F401::`os` imported but unused
    ");
}

#[test]
fn a_workflow_is_known_by_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let project = root.join("services/shop");
    std::fs::create_dir_all(&project).unwrap();
    let variables = |on: &'static str, workspace: OsString| {
        move |name: &str| match name {
            "GITHUB_ACTIONS" => Some(OsString::from(on)),
            "GITHUB_WORKSPACE" => Some(workspace.clone()),
            _ => None,
        }
    };
    let prefix = |workspace: &Path| Workflow::find(&project, variables("true", workspace.into())).map(|found| found.prefix);
    assert_eq!(prefix(&root).as_deref(), Some("services/shop/"));
    assert_eq!(prefix(&project).as_deref(), Some(""));
    assert_eq!(prefix(Path::new("/nowhere")).as_deref(), Some(""));
    assert_eq!(Workflow::find(&project, variables("false", root.clone().into())), None);
    assert_eq!(Workflow::find(&project, |_| None), None);
}
