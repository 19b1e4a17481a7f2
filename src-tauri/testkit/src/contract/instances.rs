//! Single instances: probes, ends, output, commands inside.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use nonevent_engine::model::{InstanceState, ProbeOutcome};
use nonevent_engine::target::{Follow, InstanceSpec, JobEnd, JobOrder, Listener, LogQuery, OnceExit, Terminal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Behaviour, Scene, World, nowhere, rollout};
use crate::sample;

pub(super) async fn a_probe_tells_what_it_saw(world: &dyn World) {
    let stage = Scene::set(world, "probe").await;
    stage.prepare().await;
    let target = stage.target();
    let healthy = stage.start(&rollout("r1"), "aaaa", 1).await;
    let attempt = stage.await_probe(&healthy[0], |attempt| attempt.outcome.passed()).await;
    assert_eq!(attempt.outcome, ProbeOutcome::Passed { saw: "200".to_owned() });
    assert_eq!(attempt.instance, healthy[0].name);
    assert_eq!(attempt.probe, "GET /healthz (Host: probe.localhost)");

    let sick = target.start(&stage.fence, &stage.web(&rollout("r1"), "aaaa", Behaviour::Sick)).await.unwrap();
    let answered = |attempt: &nonevent_engine::model::ProbeAttempt| matches!(attempt.outcome, ProbeOutcome::Answered { .. });
    match stage.await_probe(&sick, answered).await.outcome {
        ProbeOutcome::Answered { saw, excerpt } => {
            assert_eq!((saw.as_str(), excerpt.trim()), ("503", "database is locked"));
        }
        other => panic!("{other:?}"),
    }
    stage.strike().await;
}

pub(super) async fn an_instance_that_ended_says_so_and_leaves_its_last_lines(world: &dyn World) {
    let stage = Scene::set(world, "crash").await;
    stage.prepare().await;
    let target = stage.target();
    let crashed = target.start(&stage.fence, &stage.web(&rollout("r1"), "aaaa", Behaviour::Crash)).await.unwrap();
    let ended = |attempt: &nonevent_engine::model::ProbeAttempt| matches!(&attempt.outcome, ProbeOutcome::Failed { error } if error.contains("exit code 3"));
    stage.await_probe(&crashed, ended).await;
    let lines = stage.retire(&crashed).await;
    assert!(lines.iter().any(|line| line.text == "boom" && line.source == crashed.name), "{lines:?}");
    assert_eq!(target.observe(&stage.place).await.unwrap().instances, []);
    stage.strike().await;
}

pub(super) async fn an_examination_tells_what_an_instance_does(world: &dyn World) {
    let stage = Scene::set(world, "examine").await;
    stage.prepare().await;
    let target = stage.target();
    let start = async |behaviour| target.start(&stage.fence, &stage.web(&rollout("r1"), "aaaa", behaviour)).await.unwrap();

    let sick = start(Behaviour::Sick).await;
    stage.await_probe(&sick, |attempt| matches!(attempt.outcome, ProbeOutcome::Answered { .. })).await;
    let found = target.examine(&stage.place, &sick.id).await.unwrap();
    assert_eq!(found.state, Some(InstanceState::Running));
    let everywhere = Listener { address: Ipv4Addr::UNSPECIFIED.into(), port: sample::PORT };
    assert_eq!((found.port, found.sockets), (Some(sample::PORT), Some(vec![everywhere])));
    assert_eq!((found.restarts, found.exit), (0, None));
    assert_eq!(found.engine_platform, found.image_platform);
    assert!(found.variables.contains("PORT") && found.variables.contains("RELEASE"), "{:?}", found.variables);
    assert!(found.examined_at >= found.started_at && found.started_at.is_some(), "{:?}", found.started_at);
    assert!(found.lines.iter().any(|line| line.text == "listening" && line.source == sick.name), "{:?}", found.lines);

    let idle = start(Behaviour::Idle).await;
    let found = target.examine(&stage.place, &idle.id).await.unwrap();
    assert_eq!(found.sockets, Some(Vec::new()));

    let crashed = start(Behaviour::Crash).await;
    stage
        .await_probe(
            &crashed,
            |attempt| matches!(&attempt.outcome, ProbeOutcome::Failed { error } if error.contains("exit code 3")),
        )
        .await;
    let found = target.examine(&stage.place, &crashed.id).await.unwrap();
    assert_eq!(found.exit, Some(OnceExit { exit_code: 3, oom: false }));
    assert!(found.lines.iter().any(|line| line.text == "boom"), "{:?}", found.lines);

    let gone = target.examine(&stage.place, &"0123456789ab".into()).await.unwrap();
    assert_eq!(gone.state, None);
    let other = sample::place("examine-other");
    assert!(target.examine(&other, &sick.id).await.is_err(), "an instance of another environment was examined");
    assert_eq!(target.observe(&stage.place).await.unwrap().instances.len(), 3, "examining leaves nothing");
    stage.strike().await;
}

pub(super) async fn one_off_commands_run_and_leave_nothing(world: &dyn World) {
    let stage = Scene::set(world, "once").await;
    stage.prepare().await;
    let target = stage.target();
    for exit_code in [0, 7] {
        let mut spec = stage.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
        spec.command = world.command("migrated", exit_code);
        let (sink, mut lines) = mpsc::channel(100);
        let exit = target.run_once(&stage.fence, &spec, &sink).await.unwrap();
        assert_eq!(exit, OnceExit { exit_code: i64::from(exit_code), oom: false });
        assert_eq!(lines.recv().await.unwrap().text, "migrated");
    }
    assert_eq!(target.observe(&stage.place).await.unwrap().instances, []);
    stage.strike().await;
}

pub(super) async fn one_off_commands_end_when_nobody_waits_for_them(world: &dyn World) {
    let stage = Scene::set(world, "once-left").await;
    stage.prepare().await;
    let target = stage.target();
    let before = world.everything().await;
    let spec = InstanceSpec { port: None, ..stage.web(&rollout("r1"), "aaaa", Behaviour::Idle) };
    let (sink, _lines) = mpsc::channel(100);
    let waiting = target.run_once(&stage.fence, &spec, &sink);
    let begun = async {
        while world.everything().await == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        exit = waiting => panic!("it ended by itself: {exit:?}"),
        () = begun => {}
    }
    for _ in 0..2 {
        target.end_once(&stage.fence).await.unwrap();
        assert_eq!(world.everything().await, before);
    }
    stage.strike().await;
}

pub(super) async fn jobs_run_to_their_end_and_leave_nothing(world: &dyn World) {
    let stage = Scene::set(world, "jobs").await;
    stage.prepare().await;
    let (target, stop) = (stage.target(), CancellationToken::new());
    let mut spec = stage.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    spec.port = None;
    for exit_code in [0, 3] {
        spec.command = world.command("cleaned", exit_code);
        let (sink, mut lines) = mpsc::channel(100);
        let order = JobOrder { job: "cleanup", run: "one", due: None, spec: Some(&spec) };
        let end = target.run_job(&stage.place, order, &sink, &stop).await.unwrap();
        assert_eq!(end, JobEnd::Ended(OnceExit { exit_code: i64::from(exit_code), oom: false }));
        assert_eq!(lines.recv().await.unwrap().text, "cleaned");
    }
    let gone = JobOrder { job: "cleanup", run: "one", due: None, spec: None };
    assert_eq!(target.run_job(&stage.place, gone, &nowhere(), &stop).await.unwrap(), JobEnd::Gone);
    // A job is no instance, and holds nothing up.
    assert_eq!(target.observe(&stage.place).await.unwrap().instances, []);
    stage.strike().await;
}

pub(super) async fn a_time_of_a_schedule_is_answered_once(world: &dyn World) {
    let stage = Scene::set(world, "times").await;
    stage.prepare().await;
    let stop = CancellationToken::new();
    let mut spec = stage.web(&rollout("r1"), "aaaa", Behaviour::Healthy);
    (spec.port, spec.command) = (None, world.command("cleaned", 0));
    let held = stage.target().held(&stage.place).await.unwrap().unwrap();
    let now: Timestamp = held.holder.since.parse().unwrap();
    let at = |hour: i64| Some(Timestamp::from_second(now.as_second() + hour * 3600).unwrap());
    let done = JobEnd::Ended(OnceExit { exit_code: 0, oom: false });
    for (run, due, end) in [
        ("one", at(-4), done),
        ("two", at(-4), JobEnd::Answered),
        ("three", at(-5), JobEnd::Answered),
        // Whom a person asks waits for no time.
        ("four", None, done),
        ("five", at(-4), JobEnd::Answered),
        ("six", at(-3), done),
        // A clock that is ahead answers for nobody else.
        ("seven", at(240), done),
        ("eight", at(-2), done),
        ("nine", at(-2), JobEnd::Answered),
    ] {
        let order = JobOrder { job: "cleanup", run, due, spec: Some(&spec) };
        assert_eq!(stage.target().run_job(&stage.place, order, &nowhere(), &stop).await.unwrap(), end, "{run}");
    }
    let other = JobOrder { job: "backup", run: "ten", due: at(-4), spec: Some(&spec) };
    assert_eq!(stage.target().run_job(&stage.place, other, &nowhere(), &stop).await.unwrap(), done);
    stage.strike().await;
}

pub(super) async fn commands_run_inside_instances(world: &dyn World) {
    let stage = Scene::set(world, "inside").await;
    stage.prepare().await;
    let target = stage.target();
    let instances = stage.start(&rollout("r1"), "aaaa", 1).await;
    let mut session = target.exec(&instances[0].id, &world.command("hello", 4).argv(), Terminal::None).await.unwrap();
    let mut printed = Vec::new();
    while let Some((_, bytes)) = session.output.recv().await {
        printed.extend(bytes);
    }
    assert_eq!(String::from_utf8_lossy(&printed).trim(), "hello");
    assert_eq!(session.exit.await.unwrap().unwrap(), 4);
    assert!(target.exec(&"0123456789ab".into(), &["true".to_owned()], Terminal::None).await.is_err());
    stage.strike().await;
}

pub(super) async fn output_is_followed_across_instances(world: &dyn World) {
    let stage = Scene::set(world, "output").await;
    stage.prepare().await;
    let target = stage.target();
    let start = async |name: &str| {
        let spec = sample::worker(&rollout(name), "aaaa", &world.image(), world.app(Behaviour::Idle));
        target.start(&stage.fence, &spec).await.unwrap()
    };
    let first = start("r1").await;
    let (sink, mut lines) = mpsc::channel(100);
    let follow = LogQuery { follow: Follow::Follow, ..LogQuery::default() };
    let following = target.logs(&stage.place, &follow, &sink);
    let reading = async {
        let line = lines.recv().await.unwrap();
        assert_eq!((line.source.as_str(), line.text.as_str()), (first.name.as_str(), "working"));
        assert!(line.at.is_some());
        let second = start("r2").await;
        let line = lines.recv().await.unwrap();
        assert_eq!(
            (line.source, line.text.as_str()),
            (second.name, "working"),
            "an instance that started later, and no line twice"
        );
        drop(lines);
    };
    let (followed, ()) = tokio::join!(following, reading);
    followed.unwrap();

    let (sink, mut lines) = mpsc::channel(100);
    let query = LogQuery { instance: Some(first.id.clone()), tail: Some(1), follow: Follow::Stop };
    target.logs(&stage.place, &query, &sink).await.unwrap();
    drop(sink);
    assert_eq!(lines.recv().await.unwrap().source, first.name);
    assert_eq!(lines.recv().await, None);
    let seen = target.observe(&stage.place).await.unwrap();
    assert!(seen.instances.iter().all(|instance| instance.state == InstanceState::Running));
    stage.strike().await;
}
