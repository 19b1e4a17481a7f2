//! Staging, switching, scaling: what serves is always exactly one release.

use std::time::Duration;

use nonevent_engine::model::{InstanceState, RolloutId};
use nonevent_engine::target::{Foundation, TargetError};

use super::{Behaviour, Scene, World, ids, nowhere, rollout};
use crate::sample;

pub(super) async fn nothing_is_there_at_first(world: &dyn World) {
    let place = sample::place("empty");
    let observed = world.target().observe(&place).await.unwrap();
    assert_eq!(observed, nonevent_engine::target::Observed::default());
    assert!(!world.target().places().await.unwrap().contains(&place));
}

pub(super) async fn a_first_release_serves_after_the_switch_and_not_before(world: &dyn World) {
    let stage = Scene::set(world, "first").await;
    stage.prepare().await;
    stage.prepare().await;
    let target = stage.target();
    let r1 = rollout("r1");
    let instances = stage.stage(&r1, "aaaa", 2).await;
    stage.answers_nothing().await;
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!(observed.serving, None);
    let staged = observed.idle.unwrap();
    assert_eq!(staged.record, stage.record(&r1, "aaaa"));
    assert_eq!(staged.instances, ids(&instances));
    assert!(observed.instances.iter().all(|instance| !instance.serving && instance.state == InstanceState::Running));
    // Once more, as after a crash.
    target.stage(&stage.fence, &stage.record(&r1, "aaaa"), &ids(&instances)).await.unwrap();

    target.switch(&stage.fence, &r1).await.unwrap();
    target.switch(&stage.fence, &r1).await.unwrap();
    stage.answers("aaaa").await;
    let observed = target.observe(&stage.place).await.unwrap();
    let serving = observed.serving.unwrap();
    assert_eq!(serving.record, stage.record(&r1, "aaaa"));
    assert_eq!(serving.instances, ids(&instances));
    assert_eq!(observed.idle, None);
    assert_eq!(observed.instances.len(), 2);
    for instance in &observed.instances {
        assert!(instance.serving, "{instance:?}");
        assert_eq!((instance.process.as_str(), instance.release.as_str(), &instance.rollout), ("web", "aaaa", &r1));
        assert!(instance.name.starts_with("first-local-web-"), "{}", instance.name);
    }
    let url = observed.url.unwrap();
    assert!(url.starts_with("http://first.localhost"), "{url}");
    assert!(target.places().await.unwrap().contains(&stage.place));
    // Staged again after its switch, as by a process that died between the two: nothing changes.
    target.stage(&stage.fence, &stage.record(&r1, "aaaa"), &ids(&instances)).await.unwrap();
    stage.answers("aaaa").await;
    stage.strike().await;
}

pub(super) async fn what_served_before_is_kept_for_every_laptop(world: &dyn World) {
    let stage = Scene::set(world, "kept").await;
    stage.prepare().await;
    assert_eq!(stage.target().earlier(&stage.place).await.unwrap(), []);
    let (r1, r2, r3) = (rollout("r1"), rollout("r2"), rollout("r3"));
    let first = stage.serve(&r1, "aaaa", 1).await;
    let second = stage.serve(&r2, "bbbb", 1).await;
    for instance in &first {
        stage.retire(instance).await;
    }
    stage.serve(&r3, "cccc", 1).await;
    for instance in &second {
        stage.retire(instance).await;
    }
    // Another process, which has done nothing here.
    let earlier = world.impatient().earlier(&stage.place).await.unwrap();
    assert_eq!(earlier, [stage.record(&r2, "bbbb"), stage.record(&r1, "aaaa")]);
    stage.answers("cccc").await;
    stage.strike().await;
}

pub(super) async fn releases_take_turns_and_the_old_one_stays_warm(world: &dyn World) {
    let stage = Scene::set(world, "turns").await;
    stage.prepare().await;
    let target = stage.target();
    let (r1, r2) = (rollout("r1"), rollout("r2"));
    let old = stage.serve(&r1, "aaaa", 1).await;
    stage.stage(&r2, "bbbb", 1).await;
    stage.answers("aaaa").await;
    target.switch(&stage.fence, &r2).await.unwrap();
    stage.answers("bbbb").await;

    let warm = target.observe(&stage.place).await.unwrap().idle.unwrap();
    assert_eq!((warm.record.rollout.clone(), warm.instances.clone()), (r1.clone(), ids(&old)));
    target.switch(&stage.fence, &r1).await.unwrap();
    stage.answers("aaaa").await;
    target.switch(&stage.fence, &r2).await.unwrap();
    stage.answers("bbbb").await;

    assert_eq!(target.drain(&stage.fence, Duration::from_secs(5)).await.unwrap(), 0);
    stage.retire(&old[0]).await;
    stage.retire(&old[0]).await;
    stage.answers("bbbb").await;
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!(observed.idle, None);
    assert_eq!(observed.instances.len(), 1);
    assert!(matches!(target.switch(&stage.fence, &r1).await, Err(TargetError::NothingStaged { .. })));
    stage.strike().await;
}

pub(super) async fn a_new_staging_displaces_the_warm_side(world: &dyn World) {
    let stage = Scene::set(world, "displace").await;
    stage.prepare().await;
    let target = stage.target();
    let first = stage.serve(&rollout("r1"), "aaaa", 1).await;
    stage.serve(&rollout("r2"), "bbbb", 1).await;
    let third = stage.stage(&rollout("r3"), "cccc", 1).await;
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!(observed.idle.unwrap().instances, ids(&third));
    assert_eq!(observed.serving.unwrap().record.rollout, rollout("r2"));
    assert_eq!(observed.instances.len(), 3);
    assert!(matches!(target.switch(&stage.fence, &rollout("r1")).await, Err(TargetError::NothingStaged { .. })));
    stage.answers("bbbb").await;
    stage.retire(&first[0]).await;
    target.switch(&stage.fence, &rollout("r3")).await.unwrap();
    stage.answers("cccc").await;
    stage.strike().await;
}

pub(super) async fn what_is_not_staged_cannot_serve(world: &dyn World) {
    let stage = Scene::set(world, "unstaged").await;
    stage.prepare().await;
    let target = stage.target();
    assert!(matches!(target.switch(&stage.fence, &rollout("r1")).await, Err(TargetError::NothingStaged { .. })));
    let record = stage.record(&rollout("r1"), "aaaa");
    assert!(matches!(target.rescale(&stage.fence, &record, &[]).await, Err(TargetError::NothingStaged { .. })));
    let ghosts = [nonevent_engine::model::InstanceId::from("0123456789ab")];
    assert!(matches!(target.stage(&stage.fence, &record, &ghosts).await, Err(TargetError::Refused { .. })));
    assert_eq!(target.observe(&stage.place).await.unwrap().idle, None);
    stage.strike().await;
}

pub(super) async fn scaling_replaces_nobody(world: &dyn World) {
    let stage = Scene::set(world, "scale").await;
    stage.prepare().await;
    let target = stage.target();
    let mut instances = stage.serve(&rollout("r1"), "aaaa", 1).await;
    // A new instance is probed before it is put anywhere.
    let r2 = rollout("r2");
    instances.extend(stage.start(&r2, "aaaa", 2).await);
    target.rescale(&stage.fence, &stage.record(&r2, "aaaa"), &ids(&instances)).await.unwrap();
    target.rescale(&stage.fence, &stage.record(&r2, "aaaa"), &ids(&instances)).await.unwrap();
    let serving = target.observe(&stage.place).await.unwrap().serving.unwrap();
    assert_eq!((serving.record.rollout.clone(), serving.instances.clone()), (r2, ids(&instances)));
    stage.answers("aaaa").await;

    match target.retire(&stage.fence, &instances[0].id, &nowhere()).await {
        Err(TargetError::Refused { .. }) => {}
        other => panic!("an instance that serves was retired: {other:?}"),
    }
    let stays = instances.split_off(2);
    target.rescale(&stage.fence, &stage.record(&rollout("r3"), "aaaa"), &ids(&stays)).await.unwrap();
    assert_eq!(target.drain(&stage.fence, Duration::from_secs(5)).await.unwrap(), 0);
    for instance in &instances {
        stage.retire(instance).await;
    }
    stage.answers("aaaa").await;
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!(observed.instances.iter().map(|instance| instance.id.clone()).collect::<Vec<_>>(), ids(&stays));
    stage.strike().await;
}

pub(super) async fn requests_in_flight_are_waited_for(world: &dyn World) {
    let stage = Scene::set(world, "drain").await;
    stage.prepare().await;
    let target = stage.target();
    stage.serve(&rollout("r1"), "aaaa", 1).await;
    let held = world.hold(&stage.domain).await;
    stage.serve(&rollout("r2"), "bbbb", 1).await;
    assert_eq!(target.drain(&stage.fence, Duration::from_millis(300)).await.unwrap(), 1);
    stage.answers("bbbb").await;
    let reply = held.finish().await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "aaaa"), "the request that was in flight over the switch");
    assert_eq!(target.drain(&stage.fence, Duration::from_secs(10)).await.unwrap(), 0);
    stage.strike().await;
}

pub(super) async fn a_worker_serves_without_a_host_name(world: &dyn World) {
    let stage = Scene::set(world, "worker").await;
    let target = stage.target();
    let foundation = Foundation { domain: None, port: None, ..stage.foundation() };
    target.prepare(&stage.fence, &foundation).await.unwrap();
    let roll = |name: &str| -> RolloutId { rollout(name) };
    for (name, release) in [("r1", "aaaa"), ("r2", "bbbb")] {
        let spec = sample::worker(&roll(name), release, &world.image(), world.app(Behaviour::Idle));
        let instance = target.start(&stage.fence, &spec).await.unwrap();
        let mut record = stage.record(&roll(name), release);
        record.placement.domain = String::new();
        target.stage(&stage.fence, &record, std::slice::from_ref(&instance.id)).await.unwrap();
        target.switch(&stage.fence, &roll(name)).await.unwrap();
        let observed = target.observe(&stage.place).await.unwrap();
        assert_eq!(observed.serving.unwrap().record, record);
        assert_eq!(observed.url, None);
        assert!(observed.instances.iter().find(|other| other.id == instance.id).unwrap().serving);
    }
    stage.strike().await;
}

pub(super) async fn a_host_name_belongs_to_one_environment(world: &dyn World) {
    let one = Scene::set(world, "host-one").await;
    one.prepare().await;
    let two = Scene::set(world, "host-two").await;
    let greedy = Foundation { domain: Some(one.domain.clone()), ..two.foundation() };
    assert!(matches!(two.target().prepare(&two.fence, &greedy).await, Err(TargetError::Refused { .. })));
    one.strike().await;
    two.target().prepare(&two.fence, &greedy).await.unwrap();
    two.strike().await;
}
