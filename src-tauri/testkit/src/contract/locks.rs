//! One holder at a time, across processes and laptops.

use std::time::Duration;

use nonevent_engine::target::{Leave, Life, TargetError};

use super::{Behaviour, Scene, World, nowhere, rollout};
use crate::sample;

pub(super) async fn one_holder_at_a_time(world: &dyn World) {
    let target = world.target();
    let place = sample::place("lock-one");
    let first = target.lock(&place, &sample::holder("ann@one")).await.unwrap();
    match target.lock(&place, &sample::holder("bob@two")).await {
        Err(TargetError::Locked { held, .. }) => {
            assert_eq!((held.number, held.life), (first.number, Life::Living), "{held:?}");
            let holder = held.holder;
            assert_eq!(holder.owner, "ann@one");
            assert_eq!(holder.pid, std::process::id());
            assert!(!holder.since.is_empty() && !holder.beat.is_empty(), "{holder:?}");
        }
        other => panic!("the second holder got {other:?}"),
    }
    assert_eq!(target.observe(&place).await.unwrap().lock.unwrap().owner, "ann@one");
    target.beat(&first).await.unwrap();
    let other = sample::place("lock-two");
    let elsewhere = target.lock(&other, &sample::holder("bob@two")).await.unwrap();
    target.unlock(&elsewhere).await.unwrap();

    target.unlock(&first).await.unwrap();
    target.unlock(&first).await.unwrap();
    assert_eq!(target.observe(&place).await.unwrap().lock, None);
    assert!(matches!(target.beat(&first).await, Err(TargetError::FenceLost { .. })));
    let second = target.lock(&place, &sample::holder("bob@two")).await.unwrap();
    assert!(second.number > first.number, "{} after {}", second.number, first.number);
    target.unlock(&second).await.unwrap();
}

pub(super) async fn a_lock_is_taken_away_by_its_number(world: &dyn World) {
    let target = world.target();
    let place = sample::place("lock-away");
    assert_eq!(target.held(&place).await.unwrap(), None);
    assert!(!target.depose(&place, 1).await.unwrap(), "nobody was deposed");
    let first = target.lock(&place, &sample::holder("ann@one")).await.unwrap();
    assert!(!target.depose(&place, first.number + 1).await.unwrap(), "another holder was deposed");
    target.beat(&first).await.unwrap();
    let (freed, deposed) =
        tokio::join!(target.until_freed(&place, first.number, Duration::from_secs(600)), target.depose(&place, first.number));
    freed.unwrap();
    assert!(deposed.unwrap());
    assert_eq!(target.held(&place).await.unwrap(), None);
    match target.beat(&first).await {
        Err(TargetError::FenceLost { .. }) => {}
        other => panic!("the deposed holder got {other:?}"),
    }
    let second = target.lock(&place, &sample::holder("bob@two")).await.unwrap();
    assert!(second.number > first.number);
    // Whoever waits for one that is gone does not wait.
    target.until_freed(&place, first.number, Duration::from_secs(600)).await.unwrap();
    target.unlock(&second).await.unwrap();
}

pub(super) async fn a_dead_holder_is_succeeded_and_fenced_off(world: &dyn World) {
    let stage = Scene::set(world, "lock-dead").await;
    stage.prepare().await;
    let instances = stage.serve(&rollout("r1"), "aaaa", 1).await;
    stage.stage(&rollout("r2"), "bbbb", 1).await;

    let target = stage.target();
    let old = stage.fence.clone();
    let new = world.impatient().lock(&stage.place, &sample::holder("bob@two")).await.unwrap();
    assert!(new.number > old.number);

    let lost = |result: Result<(), TargetError>, step: &str| match result {
        Err(TargetError::FenceLost { by, .. }) => assert_eq!(by, "bob@two", "{step}"),
        other => panic!("{step} of the deposed holder: {other:?}"),
    };
    lost(target.beat(&old).await, "beat");
    lost(target.switch(&old, &rollout("r2")).await, "switch");
    lost(target.stage(&old, &stage.record(&rollout("r3"), "cccc"), &[]).await, "stage");
    lost(target.share(&old, 10).await, "share");
    lost(target.rest(&old, &[instances[0].id.clone()], Duration::ZERO).await.map(|_| ()), "rest");
    lost(target.wake(&old, &instances[0].id).await.map(|_| ()), "wake");
    lost(target.join(&old, &[instances[0].id.clone()]).await, "join");
    lost(target.rescale(&old, &stage.record(&rollout("r3"), "aaaa"), &[]).await, "rescale");
    lost(target.retire(&old, &instances[0].id, &nowhere()).await, "retire");
    lost(target.prepare(&old, &stage.foundation()).await, "prepare");
    lost(target.down(&old, Leave::Nothing).await, "down");
    let spec = stage.web(&rollout("r3"), "cccc", Behaviour::Healthy);
    lost(target.start(&old, &spec).await.map(|_| ()), "start");
    lost(target.end_once(&old).await, "end_once");
    lost(target.run_once(&old, &spec, &nowhere()).await.map(|_| ()), "run_once");
    target.drain(&new, Duration::ZERO).await.unwrap();
    target.unlock(&old).await.unwrap();

    assert_eq!(target.observe(&stage.place).await.unwrap().lock.unwrap().owner, "bob@two");
    stage.answers("aaaa").await;
    target.switch(&new, &rollout("r2")).await.unwrap();
    stage.answers("bbbb").await;
    Scene { fence: new, ..stage }.strike().await;
}
