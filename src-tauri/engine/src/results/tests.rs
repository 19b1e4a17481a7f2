//! Exports of one run with everything in it that could break a format.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{junit, sarif};
use crate::model::{
    Comparison, Excerpt, Finding, GateReport, GateState, Level, RunId, RunRecord, RunResults, RunState, TestOutcome, TestReport,
    TestResult, TestState,
};

fn gate(name: &str, state: GateState, tool: Option<&str>) -> GateReport {
    GateReport {
        gate: name.into(),
        state,
        command: format!("run {name} <&>"),
        tool: tool.map(str::to_owned),
        duration_ms: 1250,
        findings: Vec::new(),
        tests: None,
        tail: vec!["last \u{1b}[31mwords\u{0}".into()],
        compared: None,
    }
}

fn run() -> (RunResults, BTreeMap<String, Vec<TestResult>>) {
    let finding = Finding {
        line: Some(3),
        column: Some(8),
        rule: Some("F401".into()),
        url: Some("https://docs.astral.sh/ruff/rules/unused-import".into()),
        new: true,
        excerpt: Some(Excerpt { first: 2, lines: vec!["a".into(), "import os".into()] }),
        ..Finding::new("shop/a b%.py".into(), Level::Error, "`os` <unused> & ]]> \u{8}".into())
    };
    let bare = Finding::new("/usr/lib/x.py".into(), Level::Warning, String::new());
    let zero = Finding { line: Some(0), rule: Some("F401".into()), ..Finding::new("b.py".into(), Level::Error, "m".into()) };
    let failure = TestOutcome {
        id: "tests/test_a.py::TestA::test_x[a::b/c]".into(),
        file: Some("tests/test_a.py".into()),
        line: Some(7),
        message: "assert 1 == 2".into(),
        text: ">  assert 1 == 2\u{1b}".into(),
        output: "said".into(),
        duration_s: 0.5,
        ..TestOutcome::default()
    };
    let flaky = TestOutcome { id: "tests/test_a.py::test_f".into(), state: TestState::Flaky, ..failure.clone() };
    let result = |id: &str, state| TestResult { id: id.into(), state, duration_s: 0.5 };
    let tests = vec![
        result("tests/test_a.py::test_ok", TestState::Passed),
        result(&failure.id, TestState::Failed),
        result(&flaky.id, TestState::Flaky),
        result("tests/test_broken.py", TestState::Error),
        result("tests/test_a.py::test_s", TestState::Skipped),
    ];
    let told = TestReport { passed: 2, failed: 1, failures: vec![failure], flaky: vec![flaky], ..TestReport::default() };
    let gates = vec![
        GateReport {
            findings: vec![finding, bare, zero],
            compared: Some(Comparison::default()),
            ..gate("lint", GateState::Red, Some("ruff 0.17.6"))
        },
        gate("types", GateState::Error { reason: "mypy was torn".into() }, Some("mypy 2.4.1")),
        GateReport { tests: Some(told), ..gate("unit", GateState::Red, Some("pytest 9.2.0")) },
        gate("format", GateState::NotSetUp, None),
        gate("audit", GateState::Red, None),
        gate("docs", GateState::Green, None),
    ];
    let run = RunRecord {
        id: RunId::new("r1"),
        project: "shop".into(),
        environment: None,
        verb: "check".into(),
        state: RunState::Failed,
        release: None,
        started_at: "2026-11-23T10:00:00Z".into(),
        finished_at: None,
        by: "ada@laptop".into(),
    };
    (RunResults { run, gates }, BTreeMap::from([("unit".into(), tests)]))
}

#[test]
fn sarif_says_what_each_gate_found_and_where() {
    let (results, _) = run();
    let text = sarif(&results, "services/shop/");
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&Value::from("2.1.0"), 6));
    let lint = &log["runs"][0];
    assert_eq!((&lint["tool"]["driver"]["name"], &lint["tool"]["driver"]["version"]), (&"ruff".into(), &"0.17.6".into()));
    let first = &lint["results"][0];
    let physical = &first["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "services/shop/shop/a%20b%25.py");
    assert_eq!(physical["region"], serde_json::json!({"startLine": 3, "startColumn": 8, "snippet": {"text": "import os"}}));
    assert_eq!((&first["ruleId"], &first["baselineState"]), (&"F401".into(), &"new".into()));
    let bare = &lint["results"][1];
    assert_eq!(bare["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "file:///usr/lib/x.py");
    assert_eq!(bare["message"]["text"], "lint", "a message is never empty");
    let zero = &lint["results"][2];
    assert!(zero["locations"][0]["physicalLocation"].get("region").is_none(), "there is no line 0");
    for run in log["runs"].as_array().unwrap() {
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
    let types = &log["runs"][1]["invocations"][0];
    assert_eq!(
        (&types["executionSuccessful"], &types["toolExecutionNotifications"][0]["message"]["text"]),
        (&false.into(), &"mypy was torn".into())
    );
    assert_eq!(log["runs"][2]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 7);
}

#[test]
fn junit_is_read_back_as_it_was_meant() {
    let (results, tests) = run();
    let text = junit(&results, &tests).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures, report.errors, report.skipped), (11, 4, 2, 2), "{text}");
    let unit = report.test_suites.iter().find(|suite| suite.name.as_str() == "unit").unwrap();
    let failed = &unit.test_cases[1];
    assert_eq!(failed.name.as_str(), "test_x[a::b/c]");
    assert_eq!(failed.classname.as_ref().unwrap().as_str(), "tests.test_a.TestA");
    assert_eq!(failed.system_out.as_ref().unwrap().as_str(), "said");
    assert!(text.contains("flakyFailure"), "{text}");
    assert!(!text.contains(['\u{0}', '\u{8}', '\u{1b}']), "what XML forbids is left out");
}
