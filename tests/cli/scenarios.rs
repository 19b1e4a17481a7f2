//! The runs that people meet.

use nonevent_engine::model::{
    BuilderKind, Digest, Finding, GateReport, GateState, Guarantee, ImageReport, Level, LockFinding, LockKind, LockReport,
    LockSituation, Needs, Plan, PlannedStep, ProbeAttempt, ProbeOutcome, Problem, RolloutId, RolloutReason, RolloutState,
    RunState, Stage, StageState, StepKind, StepState, Strategy, TestOutcome, TestReport,
};
use nonevent_engine::request::{Done, Outcome};
use nonevent_engine::{EngineError, EventBody, Fault};

use crate::recording::Recording;

pub const OLD: &str = "9c01d2e4f5a6";
pub const NEW: &str = "3f2a91c04d5e";

pub fn outcome(done: Done) -> Outcome {
    let url = Some("http://shop.localhost".into());
    Outcome { environment: Some("local".into()), release: Some(NEW.into()), url, done }
}

pub fn error(fault: Fault, message: &str) -> EngineError {
    let problem = Problem {
        code: "failed".into(),
        message: message.into(),
        causes: Vec::new(),
        hints: Vec::new(),
        details: Vec::new(),
        diagnosis: None,
    };
    EngineError { problem: Box::new(problem), fault }
}

pub fn gate(name: &str, state: GateState, tool: &str, duration_ms: u64) -> GateReport {
    GateReport {
        gate: name.into(),
        state,
        command: format!("{name} command"),
        tool: Some(tool.into()),
        duration_ms,
        findings: Vec::new(),
        tests: None,
        tail: Vec::new(),
        compared: None,
    }
}

fn finding(file: &str, line: u32, column: u32, rule: &str, message: &str) -> Finding {
    Finding {
        line: Some(line),
        column: Some(column),
        rule: Some(rule.into()),
        ..Finding::new(file.into(), Level::Error, message.into())
    }
}

pub fn plan(reason: RolloutReason, from: Option<&str>, steps: &[(StepKind, &str)]) -> Plan {
    Plan {
        environment: "local".into(),
        reason,
        from: from.map(Into::into),
        to: NEW.into(),
        strategy: Strategy::BlueGreen,
        guarantee: Guarantee::Yes,
        needs: Needs::default(),
        expected_ms: None,
        steps: steps.iter().map(|(kind, title)| PlannedStep { kind: kind.clone(), title: (*title).into() }).collect(),
    }
}

pub fn steps() -> Vec<(StepKind, &'static str)> {
    vec![
        (StepKind::Prepare, "prepare network, proxy and service `db`"),
        (StepKind::BeforeStart, "run `python manage.py migrate`"),
        (StepKind::Start { process: "web".into(), count: 2 }, "start 2 × web"),
        (StepKind::Await, "wait until 2 × web are healthy"),
        (StepKind::Switch, "move traffic to 3f2a91c04d5e"),
        (StepKind::Bake, "watch 3f2a91c04d5e for 10 s"),
        (StepKind::Drain, "let requests in flight end"),
        (StepKind::Retire { process: "web".into(), count: 2 }, "retire 2 × web of 9c01d2e4f5a6"),
        (StepKind::Observe, "observe what serves"),
    ]
}

/// Everything after the switch belongs to the bake.
fn is_after_switch(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Drain | StepKind::Bake | StepKind::Retire { .. } | StepKind::Observe)
}

fn settle(run: &mut Recording) {
    run.begin(Stage::Bake);
    for (kind, title) in steps().into_iter().filter(|(kind, _)| is_after_switch(kind)) {
        run.step(kind, title, 200);
    }
    run.event(EventBody::RolloutFinished {
        rollout: RolloutId::new("r1"),
        state: RolloutState::Succeeded,
        serving: Some(NEW.into()),
        failure: None,
    });
    run.end(Stage::Bake, StageState::Done, "local is 3f2a91c04d5e", 800);
}

/// Up to the gauntlet, everything well.
fn built(verb: &str) -> Recording {
    let mut run = Recording::of(verb);
    run.stage(Stage::Inspect, "FastAPI app `shop.main:app`, Python 3.13", 40);
    run.begin(Stage::Lock)
        .wait(12)
        .event(EventBody::LockChecked(LockReport {
            file: "uv.lock".into(),
            kind: LockKind::Uv,
            digest: Digest::new("sha256:aa"),
            packages: 42,
            proven: true,
            findings: Vec::new(),
        }))
        .end(Stage::Lock, StageState::Done, "uv.lock pins 42 packages by hash", 12);
    run.begin(Stage::Build)
        .progress(Stage::Build, "psycopg 3.2.13 (4 of 42)")
        .line("build", "unpacking psycopg-3.2.13")
        .look("while the image is built")
        .wait(4200)
        .event(EventBody::ImageBuilt(ImageReport {
            digest: Digest::new("sha256:bb"),
            engine_id: Digest::new("sha256:cc"),
            builder: BuilderKind::Wheels,
            base: None,
            size: 18_400_000,
            layers: Vec::new(),
            reused: false,
            warnings: vec!["`.env` stays out of the image: it may hold secrets".into()],
            workdir: "/app".into(),
        }))
        .end(Stage::Build, StageState::Done, "image 5b1fe0a27c44, 18.4 MB on python:3.13-slim", 4200);
    run
}

fn gates_begin(run: &mut Recording) {
    run.begin(Stage::Gauntlet).progress(Stage::Gauntlet, "development layer (3 of 9)");
    for (gate, command) in
        [("lint", "ruff check ."), ("format", "ruff format --check ."), ("types", "mypy src"), ("unit", "pytest")]
    {
        run.event(EventBody::GateStarted { gate: gate.into(), command: command.into() });
    }
    run.line("unit", "tests/test_shop.py ....").look("while gates run side by side");
}

/// Up to the rollout, everything well.
fn proven(verb: &str) -> Recording {
    let mut run = built(verb);
    gates_begin(&mut run);
    let tests = TestReport { passed: 14, skipped: 1, ..TestReport::default() };
    run.wait(400)
        .event(EventBody::GateFinished(gate("format", GateState::Green, "ruff 0.14.5", 300)))
        .event(EventBody::GateFinished(gate("lint", GateState::Green, "ruff 0.14.5", 400)))
        .look("while the slower gates still run")
        .event(EventBody::GateFinished(GateReport { tool: None, ..gate("types", GateState::NotSetUp, "", 0) }))
        .wait(1900)
        .event(EventBody::GateFinished(GateReport { tests: Some(tests), ..gate("unit", GateState::Green, "pytest 9.0.1", 2300) }))
        .end(Stage::Gauntlet, StageState::Done, "3 green, 1 not set up", 2300);
    run
}

fn rollout_begins(run: &mut Recording, plan: Plan) {
    run.begin(Stage::Rollout).event(EventBody::RolloutPlanned { rollout: RolloutId::new("r1"), plan });
}

fn publish_skipped(run: &mut Recording) {
    let skipped = |reason: &str| StageState::Skipped { reason: reason.into() };
    run.end(Stage::Publish, skipped("the engine that builds is the one that runs"), "", 0);
    run.end(Stage::Provision, skipped("local needs no infrastructure"), "", 0);
}

pub fn probe(at: &str, outcome: ProbeOutcome) -> ProbeAttempt {
    ProbeAttempt {
        instance: "shop-local-web-3f2a91".into(),
        probe: "GET /healthz (Host: shop.localhost)".into(),
        at: format!("2026-11-23T10:00:{at}Z"),
        elapsed_ms: 4,
        outcome,
    }
}

pub fn green_ship() -> Recording {
    let mut run = proven("ship");
    publish_skipped(&mut run);
    rollout_begins(&mut run, plan(RolloutReason::Ship, Some(OLD), &steps()));
    for (kind, title) in steps().into_iter().filter(|(kind, _)| !is_after_switch(kind)) {
        match kind {
            StepKind::Await => {
                run.step_begins(kind.clone(), title)
                    .event(EventBody::ProbeMade(probe("09.100", ProbeOutcome::Failed { error: "connection refused".into() })))
                    .look("while the new instances get healthy")
                    .event(EventBody::ProbeMade(probe("09.600", ProbeOutcome::Passed { saw: "200".into() })))
                    .step_ends(kind, title, StepState::Done, 1100);
            }
            _ => drop(run.step(kind, title, 200).clone()),
        }
    }
    run.end(Stage::Rollout, StageState::Done, "3f2a91c04d5e serves", 1900);
    settle(&mut run);
    run.finish(RunState::Succeeded).clone()
}

pub fn red_gates() -> Recording {
    let mut run = built("ship");
    gates_begin(&mut run);
    run.wait(400)
        .event(EventBody::GateFinished(GateReport {
            findings: vec![
                finding("shop/main.py", 3, 8, "F401", "`os` imported but unused"),
                finding("shop/orders.py", 117, 80, "E501", "line too long (104 > 88)"),
            ],
            ..gate("lint", GateState::Red, "ruff 0.14.5", 400)
        }))
        .event(EventBody::GateFinished(GateReport {
            tail: vec!["Would reformat: shop/main.py".into(), "1 file would be reformatted".into()],
            ..gate("format", GateState::Red, "ruff 0.14.5", 300)
        }))
        .event(EventBody::GateFinished(gate(
            "types",
            GateState::Error { reason: "mypy was ended for want of memory (1 GiB)".into() },
            "mypy 1.19.0",
            900,
        )))
        .wait(1900)
        .event(EventBody::GateFinished(GateReport {
            tests: Some(TestReport {
                passed: 13,
                failed: 1,
                errors: 0,
                skipped: 0,
                failures: vec![TestOutcome {
                    id: "tests/test_shop.py::test_total".into(),
                    file: Some("tests/test_shop.py".into()),
                    line: Some(12),
                    message: "assert 3 == 4".into(),
                    text: "    def test_total():\n>       assert total([1, 2]) == 4\nE       assert 3 == 4\n".into(),
                    duration_s: 0.01,
                    ..TestOutcome::default()
                }],
                ..TestReport::default()
            }),
            ..gate("unit", GateState::Red, "pytest 9.0.1", 2300)
        }))
        .end(Stage::Gauntlet, StageState::Failed, "3 red, 1 error", 2300);
    run.finish(RunState::Failed).clone()
}

/// Five tests that fail by the same thing.
pub fn broken_fixture() -> Recording {
    let mut run = Recording::of("ship");
    run.begin(Stage::Gauntlet);
    let failures = ["add", "change", "list", "remove", "total"].map(|name| TestOutcome {
        id: format!("tests/test_shop.py::test_{name}"),
        file: Some("tests/test_shop.py".into()),
        line: Some(12),
        message: "KeyError: 'DATABASE_URL'\nand more about it".into(),
        text: "    def shop():\n>       return connect(environ[\"DATABASE_URL\"])\nE       KeyError: 'DATABASE_URL'\n".into(),
        duration_s: 0.01,
        ..TestOutcome::default()
    });
    let tests = TestReport { passed: 0, failed: 5, errors: 0, skipped: 0, failures: failures.into(), ..TestReport::default() };
    run.event(EventBody::GateFinished(GateReport { tests: Some(tests), ..gate("unit", GateState::Red, "pytest 9.0.1", 2300) }))
        .end(Stage::Gauntlet, StageState::Failed, "`unit` is red", 2300);
    run.finish(RunState::Failed).clone()
}

pub fn red_gates_error() -> EngineError {
    let mut error = error(Fault::User, "shop was not released: 4 gates do not pass");
    error.problem.causes = vec!["lint, format and unit are red".into(), "types could not tell".into()];
    error.problem.hints = vec!["`nonevent check` runs them again, and nothing else".into()];
    error
}

/// The release never becomes healthy; the engine's error brings no evidence.
pub fn failed_rollout() -> Recording {
    let mut run = proven("ship");
    publish_skipped(&mut run);
    rollout_begins(&mut run, plan(RolloutReason::Ship, Some(OLD), &steps()));
    for (kind, title) in steps().into_iter().take(3) {
        run.step(kind, title, 200);
    }
    let (kind, title) = steps().remove(3);
    run.step_begins(kind.clone(), title)
        .line("shop-local-web-3f2a91", "INFO:     Started server process [1]")
        .event(EventBody::ProbeMade(probe("08.000", ProbeOutcome::Failed { error: "connection refused".into() })))
        .event(EventBody::ProbeMade(probe(
            "09.000",
            ProbeOutcome::Answered { saw: "400".into(), excerpt: "\n<h1>Bad Request (400)</h1>".into() },
        )))
        .event(EventBody::ProbeMade(probe(
            "10.000",
            ProbeOutcome::Answered { saw: "400".into(), excerpt: "<h1>Bad Request (400)</h1>".into() },
        )))
        .line("shop-local-web-3f2a91", "Invalid HTTP_HOST header: 'shop.localhost'.")
        .step_ends(kind, title, StepState::Failed, 60_000)
        .event(EventBody::RolloutFinished {
            rollout: RolloutId::new("r1"),
            state: RolloutState::Failed,
            serving: Some(OLD.into()),
            failure: Some("the new release never became healthy".into()),
        })
        .end(Stage::Rollout, StageState::Failed, "the new release never became healthy", 60_900);
    run.finish(RunState::Failed).clone()
}

pub fn failed_rollout_error() -> EngineError {
    let mut error = error(Fault::User, "local was not switched: the new release never became healthy");
    error.problem.causes =
        vec!["GET /healthz answered 400 two times".into(), "Django refused the host name (DisallowedHost)".into()];
    error.problem.hints = vec!["add `shop.localhost` to ALLOWED_HOSTS in shop/settings.py:28".into()];
    error
}

pub fn nothing_to_do() -> Recording {
    let mut run = Recording::of("ship");
    run.stage(Stage::Inspect, "FastAPI app `shop.main:app`, Python 3.13", 40);
    run.stage(Stage::Lock, "uv.lock pins 42 packages by hash", 10);
    run.begin(Stage::Build).wait(90).end(Stage::Build, StageState::Unchanged, "image 5b1fe0a27c44 is there", 90);
    run.begin(Stage::Gauntlet);
    for name in ["lint", "unit"] {
        let cached = GateState::Cached { at: "2026-11-23T09:00:00Z".into() };
        run.event(EventBody::GateFinished(gate(name, cached, "ruff 0.14.5", 0)));
    }
    run.end(Stage::Gauntlet, StageState::Unchanged, "2 cached", 4);
    rollout_begins(&mut run, plan(RolloutReason::Ship, Some(NEW), &[]));
    run.end(Stage::Rollout, StageState::Unchanged, "3f2a91c04d5e serves local", 60);
    run.wait(60).finish(RunState::Succeeded).clone()
}

pub fn rollback() -> Recording {
    let mut run = Recording::of("rollback");
    let mut plan = plan(RolloutReason::Rollback, Some(OLD), &steps());
    plan.guarantee = Guarantee::No { because: "port 8080 of the host is published".into() };
    rollout_begins(&mut run, plan);
    for (kind, title) in steps().into_iter().filter(|(kind, _)| !is_after_switch(kind) && *kind != StepKind::BeforeStart) {
        run.step(kind, title, 150);
    }
    run.end(Stage::Rollout, StageState::Done, "3f2a91c04d5e serves", 600);
    settle(&mut run);
    run.finish(RunState::Succeeded).clone()
}

/// Stopped from another process while gates run: nothing says so but the end.
pub fn cancelled() -> Recording {
    let mut run = gates_run();
    run.finish(RunState::Cancelled).clone()
}

/// What the engine tells after a person stopped it while gates run.
pub fn gates_run() -> Recording {
    let mut run = built("ship");
    gates_begin(&mut run);
    run.wait(400).event(EventBody::GateFinished(gate("lint", GateState::Green, "ruff 0.14.5", 400))).clone()
}

/// A Dockerfile whose fifth line fails, and a lock with a warning.
pub fn failed_build() -> Recording {
    let mut run = Recording::of("ship");
    let unhashed = LockFinding {
        situation: LockSituation::Unhashed,
        message: "requirements.txt:3: `flask` has no hash".into(),
        hint: "run `nonevent lock`".into(),
    };
    run.begin(Stage::Lock)
        .event(EventBody::LockChecked(LockReport {
            file: "requirements.txt".into(),
            kind: LockKind::Requirements,
            digest: Digest::new("sha256:aa"),
            packages: 1,
            proven: false,
            findings: vec![unhashed],
        }))
        .end(Stage::Lock, StageState::Done, "requirements.txt pins 1 package", 3)
        .begin(Stage::Build);
    for line in 1..=25 {
        run.line("build", &format!("#{line} output of the builder"));
    }
    run.wait(61_000).end(Stage::Build, StageState::Failed, "`RUN make assets` ended with 2", 61_000);
    run.finish(RunState::Failed).clone()
}
