//! Both sides at once: shares of the requests, instances that rest, and what is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use nonevent_engine::model::InstanceState;
use nonevent_engine::target::{Since, TargetError};

use super::{Scene, World, ids, nowhere, rollout};

/// Asks so often, and counts who answered.
async fn answers(world: &dyn World, stage: &Scene<'_>, times: u32) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for _ in 0..times {
        let reply = world.request(&stage.domain).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        *counts.entry(reply.body).or_default() += 1;
    }
    counts
}

pub(super) async fn the_other_side_gets_its_share(world: &dyn World) {
    let stage = Scene::set(world, "share").await;
    stage.prepare().await;
    let target = stage.target();
    assert!(matches!(target.share(&stage.fence, 10).await, Err(TargetError::NothingStaged { .. })));
    stage.serve(&rollout("r1"), "aaaa", 1).await;
    assert!(matches!(target.share(&stage.fence, 10).await, Err(TargetError::NothingStaged { .. })));
    let new = stage.stage(&rollout("r2"), "bbbb", 1).await;
    assert_eq!(answers(world, &stage, 20).await, BTreeMap::from([("aaaa".to_owned(), 20)]), "nothing is shared yet");

    target.share(&stage.fence, 30).await.unwrap();
    target.share(&stage.fence, 30).await.unwrap();
    assert_eq!(target.observe(&stage.place).await.unwrap().share, 30);
    let counts = answers(world, &stage, 200).await;
    // Seven standard deviations on both sides.
    assert!((15..=105).contains(&counts["bbbb"]) && counts["aaaa"] + counts["bbbb"] == 200, "{counts:?}");
    match target.retire(&stage.fence, &new[0].id, &nowhere()).await {
        Err(TargetError::Refused { .. }) => {}
        other => panic!("an instance that gets a share was retired: {other:?}"),
    }

    target.share(&stage.fence, 0).await.unwrap();
    assert_eq!(answers(world, &stage, 20).await, BTreeMap::from([("aaaa".to_owned(), 20)]), "nothing is shared any more");
    target.share(&stage.fence, 99).await.unwrap();
    target.switch(&stage.fence, &rollout("r2")).await.unwrap();
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!((observed.share, observed.serving.unwrap().record.rollout), (0, rollout("r2")), "a switch ends sharing");
    assert_eq!(answers(world, &stage, 20).await, BTreeMap::from([("bbbb".to_owned(), 20)]));

    target.share(&stage.fence, 50).await.unwrap();
    stage.stage(&rollout("r3"), "cccc", 1).await;
    assert_eq!(target.observe(&stage.place).await.unwrap().share, 0, "another release is given nothing by itself");
    stage.strike().await;
}

pub(super) async fn what_rests_can_be_woken(world: &dyn World) {
    let stage = Scene::set(world, "rest").await;
    stage.prepare().await;
    let target = stage.target();
    let instances = stage.serve(&rollout("r1"), "aaaa", 2).await;
    let resting = [instances[0].id.clone()];
    for _ in 0..2 {
        assert_eq!(target.rest(&stage.fence, &resting, Duration::from_secs(5)).await.unwrap(), 0);
        let observed = target.observe(&stage.place).await.unwrap();
        let side = observed.serving.unwrap();
        assert_eq!(side.instances, ids(&instances), "it stays its side's");
        assert_eq!(side.resting, resting.iter().cloned().collect());
        let stopped = observed.instances.iter().find(|one| one.id == resting[0]).unwrap();
        assert!(matches!(stopped.state, InstanceState::Exited { .. }), "{stopped:?}");
        assert_eq!(answers(world, &stage, 10).await, BTreeMap::from([("aaaa".to_owned(), 10)]));
    }
    for _ in 0..2 {
        let woken = target.wake(&stage.fence, &resting[0]).await.unwrap();
        assert_eq!((woken.id.clone(), woken.address.clone()), (resting[0].clone(), instances[0].address.clone()));
        stage.await_probe(&woken, |attempt| attempt.outcome.passed()).await;
        target.join(&stage.fence, &resting).await.unwrap();
        let side = target.observe(&stage.place).await.unwrap().serving.unwrap();
        assert_eq!((side.instances, side.resting.len()), (ids(&instances), 0));
    }
    // The one that was woken answers alone.
    target.rest(&stage.fence, &[instances[1].id.clone()], Duration::from_secs(5)).await.unwrap();
    assert_eq!(answers(world, &stage, 10).await, BTreeMap::from([("aaaa".to_owned(), 10)]));
    stage.strike().await;
}

pub(super) async fn requests_are_counted_by_side(world: &dyn World) {
    let stage = Scene::set(world, "count").await;
    stage.prepare().await;
    let target = stage.target();
    stage.serve(&rollout("r1"), "aaaa", 1).await;
    stage.stage(&rollout("r2"), "bbbb", 1).await;
    let mut since = Since::After(target.traffic(&stage.place, &Since::Ago(Duration::ZERO)).await.unwrap().until);
    answers(world, &stage, 7).await;
    target.switch(&stage.fence, &rollout("r2")).await.unwrap();
    answers(world, &stage, 5).await;
    let mut counts = BTreeMap::new();
    // What the proxy writes is there a moment later.
    for _ in 0..100 {
        let traffic = target.traffic(&stage.place, &since).await.unwrap();
        for (rollout, side) in traffic.sides {
            assert_eq!(side.errors, 0, "{side:?}");
            assert!(side.p95_ms().is_some(), "{side:?}");
            *counts.entry(rollout).or_default() += side.requests;
        }
        since = Since::After(traffic.until);
        if counts.values().sum::<u64>() >= 12 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(counts, BTreeMap::from([(rollout("r1"), 7), (rollout("r2"), 5)]));
    stage.strike().await;
}

pub(super) async fn what_the_engine_has_left_is_known(world: &dyn World) {
    let stage = Scene::set(world, "room").await;
    stage.prepare().await;
    let instances = stage.serve(&rollout("r1"), "aaaa", 2).await;
    let room = stage.target().room(&ids(&instances)).await.unwrap();
    assert_eq!(room.used.keys().cloned().collect::<Vec<_>>().len(), 2, "{room:?}");
    assert!(room.used.values().all(|bytes| *bytes > 0), "{room:?}");
    stage.strike().await;
}
