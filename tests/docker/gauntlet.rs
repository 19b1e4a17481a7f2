//! The gauntlet on a real engine: honest gates, broken ones, nasty ones, and services beside them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use nonevent_engine::gauntlet::{self, GateFact, GauntletError, clean_leftovers, no_tests};
use nonevent_engine::model::{CommandLine, GateReport, GateState, Level, LogLine, Ready, RunId, ServiceSettings};
use support::gates::{Bench, left_over, texts};
use support::{PYTHON, docker, pull, unique};
use tokio::sync::mpsc;

/// Stands in for an image with a development layer: an app that runs as a user of its own, and the tools.
const DOCKERFILE: &str = "FROM python:3.13-slim
RUN --mount=type=secret,id=ca_bundle if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \\
    && pip install --no-cache-dir --root-user-action=ignore ruff==0.17.6 mypy==2.4.1 pytest==9.2.0
WORKDIR /app
COPY . .
USER 1000:1000
";

fn redis(ready: Ready) -> ServiceSettings {
    ServiceSettings {
        ready,
        provides: BTreeMap::from([("REDIS_HOST".into(), "cache".into())]),
        ..ServiceSettings::new("redis:8")
    }
}

fn reason(report: &GateReport) -> &str {
    match &report.state {
        GateState::Error { reason } | GateState::Skipped { reason } => reason,
        other => panic!("{other:?} has no reason"),
    }
}

const GOOD: &str = "\"\"\"Adds up.\"\"\"\n\n\ndef total(prices: list[int]) -> int:\n    return sum(prices)\n";
const GOOD_TEST: &str = "from shop import total\n\n\ndef test_total() -> None:\n    assert total([1, 2]) == 3\n\n\ndef test_none() -> None:\n    assert total([]) == 0\n";

#[tokio::test]
async fn a_clean_project_is_green_and_the_tools_are_named() {
    let mut bench = Bench::built(DOCKERFILE, &[("shop.py", GOOD), ("tests/test_shop.py", GOOD_TEST), ("conftest.py", "")]).await;
    bench.gate("lint", "ruff check");
    bench.gate("format", "ruff format --check");
    bench.gate("types", "mypy .");
    bench.gate("unit", "uv run pytest");
    bench.gate("security", "").run = None;
    let began = Instant::now();
    let (reports, lines) = bench.run().await;
    println!("four gates, cold caches: {:?}", began.elapsed());
    for name in ["lint", "format", "types", "unit"] {
        println!("{name}: {} ms", reports[name].duration_ms);
        assert_eq!(reports[name].state, GateState::Green, "{:#?}\n{lines:#?}", reports[name]);
        assert!(reports[name].tail.is_empty() && reports[name].findings.is_empty());
    }
    assert_eq!(reports["security"].state, GateState::NotSetUp);
    assert_eq!(reports["lint"].tool.as_deref(), Some("ruff 0.17.6"));
    assert_eq!(reports["types"].tool.as_deref(), Some("mypy 2.4.1"));
    assert_eq!(reports["unit"].tool.as_deref(), Some("pytest 9.2.0"));
    assert_eq!(reports["unit"].command, "uv run pytest");
    let tests = reports["unit"].tests.as_ref().expect("tests");
    assert_eq!((tests.passed, tests.failed, tests.errors, tests.skipped), (2, 0, 0, 0));
    assert!(texts(&lines, "unit").iter().any(|line| line.contains("2 passed")), "{lines:#?}");
    assert!(texts(&lines, "lint").contains(&"ruff: nothing found"), "{lines:#?}");

    let facts = std::mem::take(&mut *bench.facts.lock().expect("lock"));
    let started: Vec<&String> = facts
        .iter()
        .filter_map(|fact| match fact {
            GateFact::Started { gate, .. } => Some(gate),
            GateFact::Tested { .. } | GateFact::Finished(_) | GateFact::Noted { .. } | GateFact::CachesMeasured { .. } => None,
        })
        .collect();
    assert_eq!(started.len(), 4, "a gate that is not set up never starts");
    assert_eq!(facts.len(), 10, "and the tests of one are told");

    let began = Instant::now();
    let (reports, _) = bench.run().await;
    println!("four gates, warm caches: {:?} (types {} ms)", began.elapsed(), reports["types"].duration_ms);
    assert_eq!(reports["types"].state, GateState::Green);
    bench.remove().await;
}

#[tokio::test]
async fn what_is_wrong_is_found_with_file_and_line() {
    let bad = "import os\n\n\ndef total(prices: list[int]) -> str:\n    return sum(prices)\n\n\nclass  Odd:\n    pass\n";
    let test = "import pytest\nfrom shop import total\n\n\nclass TestTotal:\n    @pytest.mark.parametrize(\"n\", [1, 2])\n    def test_one(self, n):\n        assert total([n]) == 1\n\n    @pytest.mark.skip\n    def test_later(self): ...\n\n\n@pytest.fixture\ndef broken():\n    raise RuntimeError(\"no fixture\")\n\n\ndef test_error(broken): ...\n";
    let mut bench = Bench::built(
        DOCKERFILE,
        &[
            ("shop.py", bad),
            ("tests/test_shop.py", test),
            ("conftest.py", ""),
            ("broken/test_import.py", "import nope\n"),
            (
                "writes/test_database.py",
                "import sqlite3\n\n\ndef test_file():\n    sqlite3.connect('test.db').execute('create table t (a)')\n",
            ),
        ],
    )
    .await;
    bench.gate("lint", "ruff check --select F shop.py");
    bench.gate("format", "python -m ruff format --check shop.py");
    bench.gate("types", "mypy shop.py");
    bench.gate("unit", "pytest tests");
    bench.gate("collect", "pytest broken");
    bench.gate("database", "pytest -p no:cacheprovider writes");
    bench.gate("scripted", "echo before && pytest -q tests; code=$?; echo after; exit $code");
    let (reports, lines) = bench.run().await;
    for report in reports.values() {
        assert_eq!(report.state, GateState::Red, "{report:#?}");
    }
    let lint = &reports["lint"].findings[0];
    assert_eq!((lint.file.as_str(), lint.line, lint.column, lint.rule.as_deref()), ("shop.py", Some(1), Some(8), Some("F401")));
    assert!(lint.url.as_deref().is_some_and(|url| url.contains("unused-import")) && lint.level == Level::Error);
    assert!(texts(&lines, "lint").contains(&"shop.py:1:8: F401 `os` imported but unused"), "{lines:#?}");
    let files: Vec<&str> = reports["format"].findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["shop.py"]);
    let types = &reports["types"].findings[0];
    assert_eq!((types.file.as_str(), types.line, types.rule.as_deref()), ("shop.py", Some(5), Some("return-value")));

    for gate in ["unit", "scripted"] {
        let tests = reports[gate].tests.as_ref().expect("tests");
        assert_eq!((tests.passed, tests.failed, tests.errors, tests.skipped), (1, 1, 1, 1), "{gate}");
        let failure = &tests.failures[0];
        assert_eq!(failure.id, "tests/test_shop.py::TestTotal::test_one[2]");
        assert_eq!((failure.file.as_deref(), failure.line), (Some("tests/test_shop.py"), Some(8)));
        assert!(failure.text.contains("assert total([n]) == 1"), "{}", failure.text);
        assert_eq!(tests.failures[1].id, "tests/test_shop.py::test_error");
    }
    let import = &reports["collect"].tests.as_ref().expect("tests").failures[0];
    assert_eq!(
        (import.id.as_str(), import.message.as_str()),
        ("broken/test_import.py", "ModuleNotFoundError: No module named 'nope'")
    );
    assert_eq!(texts(&lines, "scripted").first(), Some(&"before"));
    assert!(reports["database"].tail.iter().any(|line| line.contains("read-only root")), "{:#?}", reports["database"]);
    bench.remove().await;
}

#[tokio::test]
async fn gates_that_cannot_tell_say_why() {
    let mut bench = Bench::built(DOCKERFILE, &[("shop.py", GOOD), ("pyproject.toml", "[tool.ruff]\nline-lenght = 3\n")]).await;
    bench.gate("lint", "ruff check");
    bench.gate("unit", "pytest");
    bench.gate("usage", "pytest --no-such-option");
    bench.gate("absent", "pyright");
    bench.gate("module", "python -m pyright");
    bench.gate("program", "no-such-program --flag");
    bench.gate("shell", "true && no-such-program");
    bench.python("crash", "import ctypes; ctypes.string_at(0)");
    bench.gate("after", "true").needs = vec!["crash".into()];
    bench.gate("later", "true").needs = vec!["after".into()];
    bench.gate("must", "").run = None;
    bench.plan.required = BTreeSet::from(["must".to_owned()]);
    let (reports, _) = bench.run().await;
    assert!(reason(&reports["lint"]).starts_with("ruff failed with exit code 2: "), "{:?}", reports["lint"]);
    assert!(reports["lint"].tail.iter().any(|line| line.contains("line-lenght")), "{:?}", reports["lint"]);
    assert!(no_tests(&reports["unit"]), "{:?}", reports["unit"]);
    assert!(!no_tests(&reports["usage"]));
    assert!(reason(&reports["usage"]).starts_with("pytest failed with exit code 4"), "{:?}", reports["usage"]);
    for gate in ["absent", "module"] {
        assert_eq!(reason(&reports[gate]), "`pyright` is not in the image: add it to the project's development dependencies");
    }
    assert!(reason(&reports["program"]).starts_with("`no-such-program` is not in the image"));
    assert!(reason(&reports["shell"]).starts_with("a program of its command is not in the image: "), "{:?}", reports["shell"]);
    assert_eq!(reason(&reports["crash"]), "it was ended by signal 11");
    assert_eq!(reason(&reports["after"]), "it needs `crash`, which ended in error");
    assert_eq!(reason(&reports["later"]), "it needs `after`, which was skipped");
    assert_eq!(reports["must"].state, GateState::Red);
    bench.remove().await;
}

#[tokio::test]
async fn nasty_gates_are_contained() {
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    bench
        .python(
            "prints",
            "import sys\nline = 'x' * 999 + '\\n'\nfor _ in range(200): sys.stdout.write(line * 1000)\nprint('the end')",
        )
        .timeout = Duration::from_secs(300);
    bench
        .python("never", "import time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)")
        .timeout = Duration::from_secs(2);
    bench.python("writes", "with open('/tmp/flood', 'wb') as flood:\n    while True: flood.write(b'x' * 1048576)");
    bench.python("forks", "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(600)");
    // What it leaves behind runs on in sessions of their own and holds its output open.
    bench.python("daemons", "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nfor _ in range(20):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            while True: time.sleep(600)\n        os._exit(0)\nprint('gone')");
    bench.python("eats", "hoard = []\nwhile True: hoard.append(bytearray(16 * 1048576))");
    bench.python("root", "import pathlib\nfor place in ('/app/x', '/etc/x', '/home/x'):\n    try: pathlib.Path(place).write_text('x'); print('wrote', place)\n    except OSError as error: print(type(error).__name__)");
    bench.python("calls", "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2); print('reached')\nexcept OSError as error: print(error.strerror)");
    let before = support::resident_memory();
    let (reports, lines) = bench.run().await;
    let grown = support::resident_memory().saturating_sub(before);
    println!("nasty gates: {} KB more memory", grown / 1024);
    assert!(grown < 64 << 20, "memory grew by {grown} bytes");
    assert_eq!(reports["prints"].state, GateState::Green);
    let printed = texts(&lines, "prints");
    assert!(printed.len() < 2000 && printed[0].starts_with("xxx"), "{} lines", printed.len());
    assert_eq!(printed.last(), Some(&"the end"));
    assert!(printed.iter().any(|line| line.ends_with("lines were left out)")), "{:?}", &printed[printed.len() - 60..]);
    let facts = bench.facts.lock().expect("lock").clone();
    let told = |text: &str| facts.iter().any(|fact| matches!(fact, GateFact::Noted { message, .. } if message == text));
    assert!(told("gate `prints` printed 190 MiB: its first 1 MiB and its last lines are kept"), "{facts:#?}");
    assert_eq!(reports["daemons"].state, GateState::Green);
    assert_eq!(reason(&reports["never"]), "it did not end within 2 seconds");
    assert_eq!(reports["writes"].state, GateState::Red);
    assert!(reports["writes"].tail.iter().any(|line| line.contains("No space left on device")), "{:?}", reports["writes"]);
    assert_eq!(reports["forks"].state, GateState::Red);
    assert!(reports["forks"].tail.iter().any(|line| line.contains("Resource temporarily unavailable")), "{:?}", reports["forks"]);
    assert_eq!(reason(&reports["eats"]), "it ran out of memory (its limit is 512 MiB)");
    assert_eq!(texts(&lines, "root"), ["OSError", "OSError", "OSError"]);
    assert_eq!(texts(&lines, "calls"), ["Network is unreachable"]);
    bench.remove().await;
}

/// Speaks to Redis without a library.
const REDIS: &str = "import os, socket, sys, time\n\
peer = socket.create_connection((os.environ['REDIS_HOST'], 6379), 5).makefile('rw', newline='\\r\\n')\n\
def ask(line):\n\
\x20   peer.write(line + '\\r\\n'); peer.flush()\n\
\x20   answer = peer.readline().strip()\n\
\x20   return peer.readline().strip() if answer.startswith('$') and answer != '$-1' else answer\n";

#[tokio::test]
async fn services_are_reached_by_name_and_gates_run_side_by_side() {
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    bench.plan.services.insert("cache".into(), redis(Ready::Port(6379)));
    bench
        .plan
        .services
        .insert("unused".into(), ServiceSettings { image: "nonevent/no-such-image:1".into(), ..redis(Ready::Running) });
    // Each waits for the other's word: one after the other, neither would ever end.
    for (name, other) in [("ping", "pong"), ("pong", "ping")] {
        let program =
            format!("{REDIS}ask('SET {name} here')\nwhile ask('GET {other}') != 'here': time.sleep(0.02)\nprint('met')");
        bench.python(name, &program).services = vec!["cache".into()];
    }
    let outside = format!(
        "{REDIS}print(ask('PING'))\ntry: socket.create_connection(('192.0.2.1', 80), 2); print('reached')\nexcept OSError as error: print('kept in')"
    );
    bench.python("inside", &outside).services = vec!["cache".into()];
    bench.python("alone", "import os; print(os.environ.get('REDIS_HOST'))");
    let began = Instant::now();
    let (reports, lines) = bench.run().await;
    println!("four gates with redis: {:?}", began.elapsed());
    for report in reports.values() {
        assert_eq!(report.state, GateState::Green, "{report:#?}");
    }
    assert_eq!((texts(&lines, "ping"), texts(&lines, "pong")), (vec!["met"], vec!["met"]));
    assert_eq!(texts(&lines, "inside"), ["+PONG", "kept in"]);
    assert_eq!(texts(&lines, "alone"), ["None"]);

    // The next run finds fresh data.
    bench.plan.run = RunId::generate();
    bench.plan.gates.clear();
    for (name, ready) in [
        ("log", Ready::Log("Ready to accept connections".into())),
        ("command", Ready::Command(CommandLine::Shell("redis-cli ping".into()))),
        ("running", Ready::Running),
    ] {
        bench.plan.services.insert(
            name.into(),
            ServiceSettings { provides: BTreeMap::from([("REDIS_HOST".into(), name.into())]), ..redis(ready) },
        );
        let program = format!("{REDIS}print(ask('GET ping'))");
        let gate = bench.python(&format!("by-{name}"), &program);
        gate.services = vec![name.into()];
        if name == "running" {
            // It runs, which does not mean that it answers yet.
            gate.run = Some(CommandLine::Exec(vec!["true".into()]));
        }
    }
    let (reports, lines) = bench.run().await;
    for report in reports.values() {
        assert_eq!(report.state, GateState::Green, "{report:#?}");
    }
    assert_eq!((texts(&lines, "by-log"), texts(&lines, "by-command")), (vec!["$-1"], vec!["$-1"]));
    bench.remove().await;
}

#[tokio::test]
async fn services_that_fail_say_why() {
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    let broken = ServiceSettings {
        command: Some(CommandLine::Exec(["redis-server", "--no-such-option", "x"].map(str::to_owned).to_vec())),
        ..redis(Ready::Port(6379))
    };
    bench.plan.services.insert("broken".into(), broken);
    let absent = ServiceSettings { image: "nonevent/no-such-image:1".into(), ..redis(Ready::Running) };
    bench.plan.services.insert("absent".into(), absent);
    bench.gate("with-broken", "true").services = vec!["broken".into()];
    bench.gate("with-absent", "true").services = vec!["absent".into()];
    bench.gate("without", "true");
    let (reports, _) = bench.run().await;
    assert_eq!(reports["without"].state, GateState::Green);
    assert_eq!(
        reason(&reports["with-broken"]),
        "service `broken` did not get ready: it ended with exit code 1 before it was ready"
    );
    assert!(reports["with-broken"].tail.iter().any(|line| line.contains("no-such-option")), "{:?}", reports["with-broken"]);
    let absent = reason(&reports["with-absent"]);
    assert!(
        absent.starts_with("service `absent` did not get ready: image `nonevent/no-such-image:1` cannot be pulled"),
        "{absent}"
    );
    bench.remove().await;
}

#[tokio::test]
async fn cancelling_ends_everything() {
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    bench.plan.services.insert("cache".into(), redis(Ready::Port(6379)));
    bench.python("forever", "import time\nprint('running', flush=True)\nwhile True: time.sleep(1)").services =
        vec!["cache".into()];
    bench.gate("waiting", "true").needs = vec!["forever".into()];
    let (sender, mut receiver) = mpsc::channel::<LogLine>(1000);
    let facts = |fact| bench.facts.lock().expect("lock").push(fact);
    let cancelling = async {
        while receiver.recv().await.expect("line").text != "running" {}
        bench.cancel.cancel();
        Instant::now()
    };
    let (reports, asked) = tokio::join!(gauntlet::run(&bench.docker, &bench.plan, &sender, &facts, &bench.cancel), cancelling);
    println!("cancelled and clean after {:?}", asked.elapsed());
    assert_eq!(reports, Err(GauntletError::Cancelled));
    assert_eq!(left_over(&bench.docker, &bench.plan.run).await, Vec::<String>::new());
    bench.remove().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing() {
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    bench.plan.services.insert("cache".into(), redis(Ready::Port(6379)));
    bench.python("forever", "import time\nprint('running', flush=True)\nwhile True: time.sleep(1)").services =
        vec!["cache".into()];
    let (sender, mut receiver) = mpsc::channel::<LogLine>(1000);
    let (docker, plan, cancel) = (bench.docker.clone(), bench.plan.clone(), bench.cancel.clone());
    let task = tokio::spawn(async move { gauntlet::run(&docker, &plan, &sender, &|_| {}, &cancel).await });
    while receiver.recv().await.expect("line").text != "running" {}
    task.abort();
    // Nobody is left to await it: the engine is asked until it has happened.
    let gone = async { while !left_over(&bench.docker, &bench.plan.run).await.is_empty() {} };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("something was left over");
    bench.remove().await;
}

#[tokio::test]
async fn the_engine_is_given_only_to_a_gate_that_asks() {
    let ping = "import os, socket\nplug = socket.socket(socket.AF_UNIX)\ntry:\n    plug.connect('/var/run/docker.sock')\n    plug.send(b'GET /_ping HTTP/1.0\\r\\n\\r\\n')\n    print(plug.recv(15).decode(), os.environ['DOCKER_HOST'])\nexcept OSError as error: print(error.strerror)";
    let mut bench = Bench::built(DOCKERFILE, &[]).await;
    bench.python("with", ping).docker = true;
    bench.python("without", ping);
    let (_, lines) = bench.run().await;
    assert_eq!(texts(&lines, "with"), ["HTTP/1.0 200 OK unix:///var/run/docker.sock"]);
    assert_eq!(texts(&lines, "without"), ["No such file or directory"]);
    bench.remove().await;
}

#[tokio::test]
async fn leftovers_of_a_killed_run_are_removed_and_others_are_not() {
    let docker = docker().await;
    pull(&docker, PYTHON).await;
    let (dead, living) = (RunId::generate(), RunId::new(unique("living")));
    for run in [&dead, &living] {
        let labels = HashMap::from([("dev.nonevent.run".to_owned(), run.to_string())]);
        let network = unique("nonevent-test-leftover");
        let request = NetworkCreateRequest {
            name: network.clone(),
            internal: Some(true),
            labels: Some(labels.clone()),
            ..Default::default()
        };
        docker.client.create_network(request).await.expect("network");
        let body = ContainerCreateBody {
            image: Some(PYTHON.into()),
            cmd: Some(["sleep", "600"].map(str::to_owned).to_vec()),
            labels: Some(labels),
            host_config: Some(bollard::models::HostConfig { network_mode: Some(network), ..Default::default() }),
            ..Default::default()
        };
        let container = docker
            .client
            .create_container(None::<bollard::query_parameters::CreateContainerOptions>, body)
            .await
            .expect("container");
        docker
            .client
            .start_container(&container.id, None::<bollard::query_parameters::StartContainerOptions>)
            .await
            .expect("start");
    }
    let removed = clean_leftovers(&docker, std::slice::from_ref(&dead)).await.expect("clean");
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert_eq!(left_over(&docker, &dead).await, Vec::<String>::new());
    assert_eq!(left_over(&docker, &living).await.len(), 2);
    clean_leftovers(&docker, &[living]).await.expect("clean");
}
