//! Removing: all of ours, nothing else, as often as one likes.

use std::collections::BTreeSet;

use nonevent_engine::target::{InstanceSpec, Kept, Leave, Observed, WasteKind};

use super::{Behaviour, Scene, World, rollout};
use crate::sample;

pub(super) async fn down_leaves_nothing_and_can_be_repeated(world: &dyn World) {
    let stage = Scene::set(world, "down").await;
    stage.prepare().await;
    let bystander = Scene::set(world, "bystander").await;
    bystander.prepare().await;
    bystander.serve(&rollout("r1"), "eeee", 1).await;
    let target = stage.target();
    stage.serve(&rollout("r1"), "aaaa", 2).await;
    stage.stage(&rollout("r2"), "bbbb", 1).await;
    for leave in [Leave::Data, Leave::Data, Leave::Nothing] {
        target.down(&stage.fence, leave).await.unwrap();
        stage.answers_nothing().await;
    }
    target.unlock(&stage.fence).await.unwrap();
    assert_eq!(target.observe(&stage.place).await.unwrap(), Observed::default());
    assert!(!target.places().await.unwrap().contains(&stage.place));
    bystander.answers("eeee").await;
    bystander.strike().await;
}

pub(super) async fn what_a_dead_process_left_is_waste(world: &dyn World) {
    let stage = Scene::set(world, "waste").await;
    stage.prepare().await;
    let target = stage.target();
    let serving = stage.serve(&rollout("r1"), "aaaa", 1).await;
    let worker = InstanceSpec {
        process: "worker".into(),
        port: None,
        ..sample::web(&rollout("r1"), "aaaa", &world.image(), world.app(Behaviour::Idle))
    };
    let worker = target.start(&stage.fence, &worker).await.unwrap();
    let left = stage.start(&rollout("r2"), "bbbb", 1).await;
    let kept = Kept { projects: BTreeSet::from([stage.place.project.clone()]), images: BTreeSet::new() };
    let containers = async || {
        let waste = target.garbage(&kept).await.unwrap();
        waste.into_iter().filter(|item| item.kind == WasteKind::Container).collect::<Vec<_>>()
    };
    assert_eq!(containers().await, [], "a rollout goes on");
    target.unlock(&stage.fence).await.unwrap();
    let waste = containers().await;
    assert_eq!(waste.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), [left[0].name.as_str()]);
    let nobody = Kept::default();
    assert_eq!(target.garbage(&nobody).await.unwrap(), [], "another laptop's projects are not looked at");
    target.sweep(&waste).await.unwrap();
    target.sweep(&waste).await.unwrap();
    assert_eq!(containers().await, []);
    stage.answers("aaaa").await;
    let observed = target.observe(&stage.place).await.unwrap();
    assert_eq!(observed.instances.len(), serving.len() + 1);
    assert!(observed.instances.iter().any(|instance| instance.id == worker.id));
    let fence = target.lock(&stage.place, &sample::holder("contract@test")).await.unwrap();
    Scene { fence, ..stage }.strike().await;
}
