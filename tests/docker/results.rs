//! What is read out of real tools, honest ones and others, in real containers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use nonevent_engine::gauntlet::no_tests;
use nonevent_engine::model::{CommandLine, GateReport, GateState, TestState};
use support::gates::Bench;

const DOCKERFILE: &str = "FROM python:3.13-slim
RUN --mount=type=secret,id=ca_bundle if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \\
    && pip install --no-cache-dir --root-user-action=ignore ruff==0.17.6 mypy==2.4.1 pytest==9.2.0 pytest-cov==7.1.0
WORKDIR /app
COPY . .
RUN if [ -d fakes ]; then chmod +x fakes/*/*; fi
USER 1000:1000
";

fn reason(report: &GateReport) -> &str {
    match &report.state {
        GateState::Error { reason } => reason,
        other => panic!("{other:?} has no reason: {report:#?}"),
    }
}

/// Passes when it runs for the second time: what the first run left is in the gate's folder of the caches' volume.
const FLAKY: &str = "import os
import pathlib

MARK = pathlib.Path(\"/nonevent-cache\", os.environ[\"NONEVENT_GATE\"], \"ran\")


def test_flaky():
    ran = MARK.exists()
    MARK.touch()
    assert ran, \"not the first time\"


def test_ok():
    pass
";

#[tokio::test]
async fn docker_what_fails_once_and_passes_then_is_flaky_what_fails_twice_is_red() {
    let broken = "def test_broken():\n    assert False\n";
    let mut bench = Bench::built(
        DOCKERFILE,
        &[("flaky/test_flaky.py", FLAKY), ("both/test_flaky.py", FLAKY), ("both/test_broken.py", broken)],
    )
    .await;
    bench.gate("flaky", "pytest flaky").retries = 2;
    bench.gate("both", "pytest both").retries = 2;
    bench.gate("strict", "pytest both/test_broken.py");
    let (reports, _) = bench.run().await;
    let tests = bench.tested();
    let flaky = reports["flaky"].tests.as_ref().expect("tests");
    assert_eq!(reports["flaky"].state, GateState::Green, "{:#?}", reports["flaky"]);
    assert_eq!((flaky.passed, flaky.failed, flaky.failures.len()), (2, 0, 0));
    assert_eq!(flaky.flaky[0].id, "flaky/test_flaky.py::test_flaky");
    let state = |gate: &str, id: &str| tests[gate].iter().find(|test| test.id.ends_with(id)).expect("test").state;
    assert_eq!((state("flaky", "test_flaky"), state("flaky", "test_ok")), (TestState::Flaky, TestState::Passed));
    let both = reports["both"].tests.as_ref().expect("tests");
    assert_eq!(reports["both"].state, GateState::Red);
    assert_eq!((both.failures[0].id.as_str(), both.flaky.len()), ("both/test_broken.py::test_broken", 1));
    assert_eq!(reports["strict"].state, GateState::Red);
    bench.remove().await;
}

#[tokio::test]
async fn docker_findings_bring_the_code_that_was_tested_and_tests_what_they_printed_and_covered() {
    let shop = "import os\n\n\ndef total(prices):\n    if not prices:\n        return 0\n    return sum(prices)\n";
    let test = "import logging\nimport time\n\nfrom shop import total\n\n\ndef test_total():\n    print(\"adding up\")\n    logging.warning(\"careful\")\n    assert total([1, 2]) == 4\n\n\ndef test_slow():\n    time.sleep(0.3)\n";
    let mut bench = Bench::built(DOCKERFILE, &[("shop.py", shop), ("tests/test_shop.py", test), ("conftest.py", "")]).await;
    bench.gate("lint", "ruff check --select F shop.py");
    bench.gate("unit", "pytest --cov=shop tests");
    bench.gate("short", "pytest --tb=line tests");
    bench.gate("plain", "coverage run -m pytest tests/test_shop.py::test_slow");
    let (reports, _) = bench.run().await;
    let tests = bench.tested();
    let lint = &reports["lint"].findings[0];
    assert!(lint.fixable, "{lint:#?}");
    let excerpt = lint.excerpt.as_ref().expect("excerpt");
    assert_eq!((excerpt.first, excerpt.lines[0].as_str()), (1, "import os"));
    let unit = reports["unit"].tests.as_ref().expect("tests");
    let failure = &unit.failures[0];
    assert!(!failure.output.contains("Captured Err"), "{failure:#?}");
    assert!(failure.output.contains("adding up") && failure.output.contains("careful"), "{failure:#?}");
    assert!(failure.excerpt.is_none(), "its text shows the code already");
    assert_eq!((failure.file.as_deref(), failure.line), (Some("tests/test_shop.py"), Some(10)));
    assert_eq!(unit.slowest[0].id, "tests/test_shop.py::test_slow");
    assert_eq!(tests["unit"].len(), 2);
    let coverage = unit.coverage.as_ref().expect("coverage");
    assert_eq!((coverage.files[0].file.as_str(), coverage.covered, coverage.total), ("shop.py", 4, 5));
    let short = &reports["short"].tests.as_ref().expect("tests").failures[0];
    let code = &short.excerpt.as_ref().expect("excerpt").lines;
    assert!(code.iter().any(|line| line.contains("def test_total():")), "where it is defined, at least: {short:#?}");
    assert!(reports["plain"].tests.as_ref().expect("tests").coverage.is_some(), "{:#?}", reports["plain"]);
    bench.remove().await;
}

/// Stands in for a tool that is broken: a script of its name, found before the real one.
fn fake(body: &str) -> String {
    format!("#!/bin/sh\n{body}\n")
}

#[tokio::test]
async fn docker_tools_that_crash_or_print_nonsense_are_errors_and_nothing_is_green() {
    let torn = fake("echo '{\"file\": \"a.py\", \"line\": 1, \"colu'; exit 1");
    let lorem = fake("echo lorem ipsum; exit 0");
    let silent = fake("exit 1");
    let half = fake("printf '[{\"code\": \"F401\", \"filename\": \"a' > /nonevent/out/ruff.json; exit 1");
    let bomb = fake(
        "printf '<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aa\">]><testsuites><testsuite/></testsuites>' > /nonevent/out/junit.xml; exit 0",
    );
    let empty = fake("printf '<testsuites><testsuite tests=\"0\"/></testsuites>' > /nonevent/out/junit.xml; exit 0");
    let bytes = fake("printf '\\377\\376\\000lorem' > /nonevent/out/junit.xml; exit 0");
    let huge = fake("head -c 70000000 /dev/zero > /nonevent/out/junit.xml; exit 0");
    let killed = fake("kill -9 $$");
    let skipped = "import pytest\n\n\n@pytest.mark.skip\ndef test_a():\n    pass\n";
    let fakes: Vec<(String, &str, &str)> = vec![
        ("torn".into(), "mypy", &torn),
        ("lorem".into(), "mypy", &lorem),
        ("silent".into(), "mypy", &silent),
        ("half".into(), "ruff", &half),
        ("nothing".into(), "ruff", &silent),
        ("words".into(), "ruff", &lorem),
        ("bomb".into(), "pytest", &bomb),
        ("empty".into(), "pytest", &empty),
        ("bytes".into(), "pytest", &bytes),
        ("huge".into(), "pytest", &huge),
        ("no-report".into(), "pytest", &lorem),
        ("killed".into(), "pytest", &killed),
    ];
    let files: Vec<(String, &str)> = fakes.iter().map(|(name, tool, body)| (format!("fakes/{name}/{tool}"), *body)).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(path, body)| (path.as_str(), *body)).collect();
    files.extend([("skipped/test_a.py", skipped), ("fails/test_a.py", "def test_a():\n    assert False\n")]);
    let mut bench = Bench::built(DOCKERFILE, &files).await;
    for (name, tool, _) in &fakes {
        let arguments = match (*tool, name.as_str()) {
            ("ruff", "words") => " format --check .",
            ("ruff", _) => " check .",
            _ => " .",
        };
        let gate = bench.gate(name, "");
        gate.run = Some(CommandLine::Exec(
            vec![format!("/app/fakes/{name}/{tool}")]
                .into_iter()
                .chain(arguments.split_whitespace().map(str::to_owned))
                .collect(),
        ));
    }
    bench.gate("skipped", "pytest skipped");
    bench.gate("swallowed", "pytest fails || true");
    let (reports, _) = bench.run().await;
    for (name, ..) in &fakes {
        assert_eq!(reports[name.as_str()].state.word(), "error", "{:#?}", reports[name.as_str()]);
    }
    assert!(reason(&reports["lorem"]).contains("lorem ipsum"));
    assert!(reason(&reports["bomb"]).contains("document type"));
    assert!(reason(&reports["huge"]).contains("larger than"));
    assert!(no_tests(&reports["empty"]));
    assert_eq!(reason(&reports["skipped"]), "no tests ran: 1 skipped, none passed");
    assert_eq!(reports["swallowed"].state, GateState::Red, "a shell cannot hide what its tests said");
    bench.remove().await;
}
