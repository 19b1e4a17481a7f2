//! The scripted target keeps the promises that Docker's keeps, so that what is proven on it means something; and its faults work.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use nonevent_engine::target::{Encryption, Foundation, Target, TargetError};
use nonevent_testkit::contract::contract;
use nonevent_testkit::sample;
use nonevent_testkit::scripted::{Fault, Method, Script, ScriptedEngine};

#[tokio::test]
async fn the_scripted_target_fulfils_the_contract() {
    let engine = ScriptedEngine::new();
    contract(&engine.world()).await;
    assert_eq!(engine.everything(), [""; 0], "the contract leaves nothing behind");
}

fn foundation() -> Foundation {
    Foundation {
        domain: Some("shop.localhost".into()),
        https: Encryption::Off,
        port: Some(8000),
        services: [].into(),
        volumes: Vec::new(),
    }
}

#[tokio::test]
async fn a_fault_meets_the_call_that_it_was_planned_for() {
    let engine = ScriptedEngine::new();
    let process = engine.process();
    let place = sample::place("shop");
    process.fault(Method::Observe, 2, Fault::Fail);
    process.observe(&place).await.unwrap();
    assert!(matches!(process.observe(&place).await, Err(TargetError::Refused { .. })));
    process.observe(&place).await.unwrap();
    assert_eq!(process.calls(), [Method::Observe; 3]);
}

#[tokio::test]
async fn a_lost_answer_hides_that_it_was_done() {
    let engine = ScriptedEngine::new();
    let process = engine.process();
    let place = sample::place("shop");
    process.fault(Method::Lock, 1, Fault::FailAfter);
    assert!(matches!(process.lock(&place, &sample::holder("ann@one")).await, Err(TargetError::Unreachable { .. })));
    assert!(process.observe(&place).await.unwrap().lock.is_some());
}

#[tokio::test]
async fn a_process_that_dies_is_succeeded_when_its_lock_is_stale() {
    let engine = ScriptedEngine::new();
    let first = engine.process();
    let place = sample::place("shop");
    let fence = first.lock(&place, &sample::holder("ann@one")).await.unwrap();
    first.prepare(&fence, &foundation()).await.unwrap();
    first.fault(Method::Start, 1, Fault::DieHalfway);
    let spec = sample::web(&"r1".into(), "aaaa", &"sha256:5c".into(), Script::Healthy.command());
    tokio::select! {
        () = first.died() => {}
        started = first.start(&fence, &spec) => panic!("it went on: {started:?}"),
    }
    let second = engine.process();
    assert!(matches!(second.lock(&place, &sample::holder("bob@two")).await, Err(TargetError::Locked { .. })));
    engine.advance(Duration::from_secs(31));
    let newer = second.lock(&place, &sample::holder("bob@two")).await.unwrap();
    assert!(newer.number > fence.number);
    let left = second.observe(&place).await.unwrap().instances;
    assert_eq!(left.len(), 1, "a container that was never started: {left:?}");
    assert_eq!(first.counted_calls(), [Method::Lock, Method::Prepare, Method::Start]);
}

#[tokio::test]
async fn behaviour_can_be_said_per_release() {
    let engine = ScriptedEngine::new();
    let process = engine.process();
    let place = sample::place("shop");
    let fence = process.lock(&place, &sample::holder("ann@one")).await.unwrap();
    process.prepare(&fence, &foundation()).await.unwrap();
    engine.behave(&"aaaa".into(), Script::Slow(1));
    let spec = sample::web(&"r1".into(), "aaaa", &"sha256:5c".into(), Script::Sick.command());
    let instance = process.start(&fence, &spec).await.unwrap();
    let check = sample::health("/healthz");
    let mut passed = Vec::new();
    for _ in 0..2 {
        passed.push(process.probe(&place, &instance, &check, "shop.localhost").await.unwrap().outcome.passed());
    }
    assert_eq!(passed, [false, true]);
}
