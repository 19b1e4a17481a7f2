//! Results are remembered, compared and found again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::model::{Coverage, Level, RunRecord, RunState, TestReport, TestState};

fn home() -> (Store, ProjectName) {
    (Store::in_memory().unwrap(), ProjectName::new("shop"))
}

fn begin(store: &Store, project: &ProjectName, run: &str) -> RunId {
    let record = RunRecord {
        id: RunId::new(run),
        project: project.clone(),
        environment: None,
        verb: "check".into(),
        state: RunState::Running,
        release: None,
        started_at: now(),
        finished_at: None,
        by: "ada@laptop".into(),
    };
    store.begin_run(&record).unwrap();
    record.id
}

fn report(gate: &str, state: GateState) -> GateReport {
    GateReport {
        gate: gate.into(),
        state,
        command: gate.into(),
        tool: None,
        duration_ms: 1500,
        findings: Vec::new(),
        tests: None,
        tail: Vec::new(),
        compared: None,
    }
}

/// Tests of which these failed, with the rows of each.
fn tests(names: &[&str], failed: &[&str]) -> (GateReport, Vec<TestResult>) {
    let state = |name: &&str| if failed.contains(name) { TestState::Failed } else { TestState::Passed };
    let results = names
        .iter()
        .zip(1..)
        .map(|(name, n)| TestResult { id: (*name).into(), state: state(name), duration_s: f64::from(n) / 10.0 })
        .collect();
    let failures = failed.iter().map(|name| TestOutcome { id: (*name).into(), message: "no".into(), ..TestOutcome::default() });
    let coverage = Some(Coverage { covered: 8, total: 10, files: Vec::new() });
    let told = TestReport { failures: failures.collect(), coverage, ..TestReport::default() };
    let state = if failed.is_empty() { GateState::Green } else { GateState::Red };
    (GateReport { tests: Some(told), ..report("unit", state) }, results)
}

fn record(store: &Store, project: &ProjectName, run: &str, (report, tests): (GateReport, Vec<TestResult>)) -> GateReport {
    let run = begin(store, project, run);
    let key = GateKey { project, run: &run, position: 0 };
    let (report, event) = store.record_gate(&key, report, &tests).unwrap();
    assert_eq!(event.body, EventBody::GateFinished(report.clone()), "what is told is what is remembered");
    assert_eq!(store.gate_reports(&run).unwrap(), std::slice::from_ref(&report));
    report
}

#[test]
fn failures_that_the_run_before_did_not_have_are_new_and_come_first() {
    let (store, project) = home();
    assert_eq!(record(&store, &project, "1", tests(&["a", "b", "c"], &[])).compared, None, "nothing to compare with");
    let one = record(&store, &project, "2", tests(&["a", "b", "c", "d"], &["a"]));
    let compared = one.compared.unwrap();
    assert_eq!((compared.new, compared.mended, compared.broken, compared.added, compared.removed), (1, 0, 1, 1, 0));
    let two = record(&store, &project, "3", tests(&["a", "b", "d"], &["a", "b", "d"]));
    let failures = two.tests.unwrap().failures;
    let told: Vec<(&str, bool)> = failures.iter().map(|test| (test.id.as_str(), test.new)).collect();
    assert_eq!(told, [("b", true), ("d", true), ("a", false)]);
    let compared = two.compared.unwrap();
    assert_eq!((compared.before.unwrap().run.as_str(), compared.green.unwrap().run.as_str()), ("2", "1"));
    assert_eq!((compared.broken, compared.added, compared.removed), (2, 1, 1), "since it was green");
    assert_eq!((compared.duration_ms, compared.coverage.unwrap().covered), (Some(1500), 8));
    let three = record(&store, &project, "4", tests(&["a", "b", "d"], &["d"]));
    assert_eq!(three.compared.map(|compared| (compared.new, compared.mended)), Some((0, 2)));
}

#[test]
fn findings_are_known_again_where_code_has_moved() {
    let (store, project) = home();
    let lint = |found: &[(&str, u32)]| {
        let findings = found.iter().map(|(rule, line)| Finding {
            rule: Some((*rule).into()),
            line: Some(*line),
            ..Finding::new("a.py".into(), Level::Error, "m".into())
        });
        (GateReport { findings: findings.collect(), ..report("lint", GateState::Red) }, Vec::new())
    };
    record(&store, &project, "1", lint(&[("F401", 3), ("E501", 9)]));
    let told = record(&store, &project, "2", lint(&[("F401", 40), ("F401", 41), ("B008", 1)]));
    let marks: Vec<(Option<u32>, bool)> = told.findings.iter().map(|finding| (finding.line, finding.new)).collect();
    assert_eq!(marks, [(Some(41), true), (Some(1), true), (Some(40), false)], "one of two alike is new");
    assert_eq!(told.compared.map(|compared| (compared.new, compared.mended)), Some((2, 1)));
}

#[test]
fn gates_that_told_nothing_are_not_compared_with() {
    let (store, project) = home();
    record(&store, &project, "1", tests(&["a"], &["a"]));
    record(&store, &project, "2", (report("unit", GateState::Error { reason: "torn".into() }), Vec::new()));
    let told = record(&store, &project, "3", tests(&["a"], &["a"]));
    assert_eq!(told.compared.unwrap().before.unwrap().run.as_str(), "1");
    let other = ProjectName::new("blog");
    assert_eq!(record(&store, &other, "4", tests(&["a"], &["a"])).compared, None, "another project's runs are its own");
}

#[test]
fn a_cached_gate_has_the_tests_of_the_time_when_it_was_green() {
    let (store, project) = home();
    record(&store, &project, "1", tests(&["a", "b"], &[]));
    let cached = GateReport { tests: Some(TestReport::default()), ..report("unit", GateState::Cached { at: now() }) };
    record(&store, &project, "2", (cached, Vec::new()));
    let names =
        |wanted| store.tests(&RunId::new("2"), "unit", wanted).unwrap().into_iter().map(|test| test.id).collect::<Vec<_>>();
    assert_eq!(names(Wanted::All), ["a", "b"]);
    assert_eq!(names(Wanted::Slowest(1)), ["b"]);
    assert_eq!(store.tests(&RunId::new("2"), "lint", Wanted::All).unwrap(), []);
}

#[test]
fn a_test_has_a_history() {
    let (store, project) = home();
    record(&store, &project, "1", tests(&["tests/test_a.py::test_x", "tests/test_a.py::test_xy"], &[]));
    record(&store, &project, "2", tests(&["tests/test_a.py::test_x"], &["tests/test_a.py::test_x"]));
    assert_eq!(store.find_tests(&project, "test_xy", 9).unwrap(), ["tests/test_a.py::test_xy"]);
    assert_eq!(store.find_tests(&project, "test_a", 9).unwrap().len(), 2);
    assert_eq!(store.find_tests(&project, "tests/test_a.py::test_x", 9).unwrap(), ["tests/test_a.py::test_x"]);
    let past = store.test_history(&project, "tests/test_a.py::test_x", 9).unwrap();
    let told: Vec<(&str, TestState, Option<&str>)> =
        past.iter().map(|past| (past.run.as_str(), past.test.state, past.message.as_deref())).collect();
    assert_eq!(told, [("2", TestState::Failed, Some("no")), ("1", TestState::Passed, None)]);
    assert_eq!(store.runs_with_results(&project, "", 9).unwrap(), [RunId::new("2"), RunId::new("1")]);
    assert_eq!(store.runs_with_results(&project, "1", 9).unwrap(), [RunId::new("1")]);
}

#[test]
fn old_results_go_and_the_last_green_ones_stay() {
    let (store, project) = home();
    record(&store, &project, "1", tests(&["a", "old"], &[]));
    for run in ["2", "3", "4"] {
        record(&store, &project, run, tests(&["a"], &["a"]));
    }
    store.keep_results(&project, 2).unwrap();
    assert_eq!(store.runs_with_results(&project, "", 9).unwrap(), ["4", "3", "1"].map(RunId::new));
    record(&store, &project, "5", tests(&["a"], &[]));
    store.keep_results(&project, 2).unwrap();
    assert_eq!(store.runs_with_results(&project, "", 9).unwrap(), ["5", "4"].map(RunId::new));
    assert_eq!(store.find_tests(&project, "", 9).unwrap(), ["a"], "a test without results is forgotten");
}

#[test]
fn results_go_with_their_run() {
    let (store, project) = home();
    record(&store, &project, "1", tests(&["a"], &["a"]));
    store.connection().execute("PRAGMA foreign_keys = ON", []).unwrap();
    store.connection().execute("DELETE FROM runs WHERE id = '1'", []).unwrap();
    let left: u32 = store.connection().query_row("SELECT count(*) FROM test_results", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn queries_walk_indexes_and_no_whole_table() {
    let (store, _) = home();
    let connection = store.connection();
    for sql in [
        "SELECT id FROM gate_results WHERE project = 'p' AND gate = 'g' AND run <> 'r' AND state = 'green' ORDER BY id DESC LIMIT 1",
        "SELECT name FROM test_results JOIN tests ON tests.id = test WHERE result = 1 ORDER BY duration_s DESC LIMIT 10",
        "SELECT count(*) FROM test_results one WHERE result = 1 AND NOT EXISTS (SELECT 1 FROM test_results other WHERE other.result = 2 AND other.test = one.test)",
        "SELECT at FROM test_results JOIN gate_results ON gate_results.id = result WHERE test = (SELECT id FROM tests WHERE project = 'p' AND name = 't') ORDER BY result DESC",
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> = statement.query_map([], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().all(|step| !step.starts_with("SCAN")), "{sql}\n{steps:#?}");
    }
}
