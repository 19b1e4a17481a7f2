//! Rollouts on the scripted target, which keeps the contract that Docker's keeps: what serves is always exactly the old release or the
//! new one, wherever a process dies, an answer gets lost, an instance fails or a person stops it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use nonevent_engine::model::{Release, RolloutState};
use nonevent_engine::rollout::{Finished, Lease, Order, RolloutError};
use nonevent_engine::target::Target;
use nonevent_testkit::laptop::{Laptop, order, whole};
use nonevent_testkit::scripted::{Fault, Method, Script, ScriptedEngine};
use nonevent_testkit::shop::{place, release_with_worker};

#[tokio::test(start_paused = true)]
async fn a_release_replaces_another_and_nothing_is_left() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    assert_eq!(laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap(), Some(Finished::Switched));
    assert_eq!(laptop.ship(&engine.process(), &order(&new, 2)).await.unwrap(), Some(Finished::Switched));
    whole(&engine, &new, 2, "after two ships").await;
    assert_eq!(laptop.ship(&engine.process(), &order(&new, 2)).await.unwrap(), None, "nothing changed");
}

#[tokio::test(start_paused = true)]
async fn scaling_joins_and_leaves_the_serving_side() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let release = release_with_worker("aaa");
    laptop.ship(&engine.process(), &order(&release, 1)).await.unwrap();
    let before = engine.process().observe(&place()).await.unwrap().instances;
    assert_eq!(laptop.ship(&engine.process(), &order(&release, 3)).await.unwrap(), Some(Finished::Scaled));
    whole(&engine, &release, 3, "scaled up").await;
    let after = engine.process().observe(&place()).await.unwrap().instances;
    assert!(before.iter().all(|old| after.iter().any(|new| new.id == old.id)), "scaling replaced an instance");
    assert_eq!(laptop.ship(&engine.process(), &order(&release, 1)).await.unwrap(), Some(Finished::Scaled));
    whole(&engine, &release, 1, "scaled down").await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_never_gets_healthy_changes_nothing() {
    for script in [Script::Sick, Script::Crash] {
        let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
        let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
        laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap();
        engine.behave(&new.id, script);
        let error = laptop.ship(&engine.process(), &order(&new, 2)).await.unwrap_err();
        assert!(matches!(error, RolloutError::NeverHealthy { .. }), "{error}");
        assert!(!error.problem().details.is_empty(), "it shows no evidence");
        whole(&engine, &old, 2, &format!("{script:?}")).await;
        assert_eq!(laptop.states()[0], RolloutState::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_before_start_starts_no_instance() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, mut new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    new.settings.before_start = Some(Script::Healthy.command());
    engine.end_once(&new.id, 7, &["no such table"]);
    let process = engine.process();
    let error = laptop.ship(&process, &order(&new, 1)).await.unwrap_err();
    assert!(matches!(&error, RolloutError::BeforeStartFailed { exit_code: 7, .. }), "{error}");
    assert!(error.problem().details.iter().any(|line| line.contains("no such table")), "{:?}", error.problem());
    assert!(!process.calls().contains(&Method::Start));
    whole(&engine, &old, 1, "a failed before_start").await;
}

#[tokio::test(start_paused = true)]
async fn a_person_stops_it_before_the_switch() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    engine.behave(&new.id, Script::Slow(1_000_000));
    let cancel = laptop.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    });
    let error = laptop.ship(&engine.process(), &order(&new, 1)).await.unwrap_err();
    assert!(matches!(&error, RolloutError::Cancelled { serving: Some(id) } if *id == old.id), "{error}");
    whole(&engine, &old, 1, "stopped").await;
    assert_eq!(laptop.states()[0], RolloutState::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_gets_worse_while_it_bakes_goes_back_by_itself() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    let (turns, id) = (engine.clone(), new.id.clone());
    tokio::spawn(async move {
        while turns.serving(&place()) != Some(id.clone()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        turns.behave(&id, Script::Sick);
    });
    let baking = Order { bake: Duration::from_secs(60), ..order(&new, 1) };
    let error = laptop.ship(&engine.process(), &baking).await.unwrap_err();
    assert!(matches!(&error, RolloutError::WentBack { to, .. } if *to == old.id), "{error}");
    whole(&engine, &old, 1, "went back").await;
}

#[tokio::test(start_paused = true)]
async fn two_at_once_are_refused() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let other = Lease::acquire(Arc::new(engine.process()), &place(), "bob@two", "ship bbb").await.unwrap();
    let error = laptop.ship(&engine.process(), &order(&release_with_worker("aaa"), 1)).await.unwrap_err();
    assert!(error.to_string().contains("bob@two"), "{error}");
    other.release().await.unwrap();
    laptop.ship(&engine.process(), &order(&release_with_worker("aaa"), 1)).await.unwrap();
}

/// Ships `bbb` over `aaa` with a fault at the nth call; whether the fault came about before the rollout ended.
async fn ship_with_fault(engine: &ScriptedEngine, laptop: &Laptop, order: &Order, nth: usize, fault: Fault) -> bool {
    let process = engine.process();
    process.fault_at(nth, fault);
    tokio::select! {
        biased;
        () = process.died() => true,
        result = laptop.ship(&process, order) => result.is_err() || process.counted_calls().len() >= nth,
    }
}

/// Every fault at every call of a rollout: what serves is one whole release all the time, and the next ship ends well.
async fn matrix(from: u16, to: u16, new: &Release) {
    let old = release_with_worker("aaa");
    for fault in [Fault::Fail, Fault::FailAfter, Fault::DieBefore, Fault::DieHalfway, Fault::DieAfter] {
        for nth in 1.. {
            let what = format!("{fault:?} at call {nth}");
            let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
            laptop.ship(&engine.process(), &order(&old, from)).await.unwrap();
            let struck = ship_with_fault(&engine, &laptop, &order(new, to), nth, fault).await;
            let serving = engine.serving(&place());
            assert!(serving == Some(old.id.clone()) || serving == Some(new.id.clone()), "{what}: {serving:?} serves");
            let answering = engine.answers("shop.localhost");
            assert!(answering == serving, "{what}: {answering:?} answers while {serving:?} serves");
            engine.advance(Duration::from_secs(31));
            laptop
                .ship(&engine.process(), &order(new, to))
                .await
                .unwrap_or_else(|error| panic!("{what}: the next ship failed: {error}"));
            whole(&engine, new, usize::from(to), &what).await;
            assert_eq!(laptop.open(), 0, "{what}: the journal has an open rollout");
            if !struck {
                assert!(nth > 8, "a rollout of {nth} calls was not struck once");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_of_a_rollout_leaves_one_whole_release() {
    matrix(2, 2, &release_with_worker("bbb")).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_of_scaling_leaves_one_whole_release() {
    matrix(1, 3, &release_with_worker("aaa")).await;
    matrix(3, 1, &release_with_worker("aaa")).await;
}

#[tokio::test(start_paused = true)]
async fn another_laptop_without_memory_ends_what_the_first_left() {
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    let (engine, first) = (ScriptedEngine::new(), Laptop::new());
    first.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    let process = engine.process();
    process.fault(Method::Switch, 1, Fault::DieAfter);
    let wanted = order(&new, 1);
    tokio::select! {
        () = process.died() => {}
        result = first.ship(&process, &wanted) => panic!("it went on: {result:?}"),
    }
    engine.advance(Duration::from_secs(31));
    let second = Laptop::new();
    assert_eq!(second.ship(&engine.process(), &order(&new, 1)).await.unwrap(), None, "it serves already");
    whole(&engine, &new, 1, "the other laptop").await;
}
