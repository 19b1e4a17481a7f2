//! What a rollout would do, for every kind of difference between what is desired and what was observed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use nonevent_engine::model::{
    Batch, CommandLine, Guarantee, InstanceState, Placement, Release, RolloutId, RolloutReason, RolloutRecord, RolloutState,
    StepKind, StepRecord, StepState, Strategy, VolumeMount,
};
use nonevent_engine::rollout::{Change, Circumstances, Desired, change, leftovers, plan};
use nonevent_engine::target::{Observed, Record, Room, Side};
use nonevent_testkit::shop::{instance, placement, release, release_with_worker};

/// An environment in which `release` serves with this many web instances, all of them running.
fn serving(release: &Release, web: u16) -> Observed {
    let rollout = RolloutId::new("r1");
    let mut instances: Vec<_> = (0..web).map(|n| instance(&format!("web{n}"), "web", release, &rollout)).collect();
    let ids = instances.iter().map(|instance| instance.id.clone()).collect();
    if release.app.processes.len() > 1 {
        instances.push(instance("worker0", "worker", release, &rollout));
    }
    let record = Record {
        format: 1,
        rollout,
        release: release.clone(),
        placement: placement(web),
        staged_at: "2026-01-01T00:00:00.000Z".into(),
        by: None,
        reason: None,
        message: None,
        anyway: None,
    };
    let side = Side { record, instances: ids, resting: BTreeSet::new() };
    Observed { serving: Some(side), instances, ..Observed::default() }
}

fn desired(release: Release, placement: Placement, reason: RolloutReason) -> Desired {
    Desired { release, placement, reason }
}

fn titles(desired: &Desired, observed: &Observed) -> Vec<String> {
    plan(desired, observed, &Circumstances::default()).steps.into_iter().map(|step| step.title).collect()
}

#[test]
fn a_first_release_starts_and_takes_traffic() {
    let desired = desired(release("aaa"), placement(2), RolloutReason::Ship);
    assert_eq!(
        titles(&desired, &Observed::default()),
        ["prepare network and proxy", "start 2 × web", "wait until healthy", "switch traffic to aaa", "observe what serves"]
    );
}

#[test]
fn a_new_release_starts_beside_the_old_and_retires_it_last() {
    let desired = desired(release("bbb"), placement(1), RolloutReason::Ship);
    assert_eq!(
        titles(&desired, &serving(&release("aaa"), 2)),
        [
            "prepare network and proxy",
            "start 1 × web",
            "wait until healthy",
            "switch traffic to bbb",
            "bake",
            "let requests in flight end",
            "retire 2 × web",
            "observe what serves"
        ]
    );
}

#[test]
fn nothing_changed_means_nothing_to_do() {
    let release = release_with_worker("aaa");
    let desired = desired(release.clone(), placement(2), RolloutReason::Ship);
    assert_eq!(change(&desired, &serving(&release, 2)), Change::Nothing);
}

#[test]
fn more_replicas_start_some_and_retire_none() {
    let release = release("aaa");
    let desired = desired(release.clone(), placement(3), RolloutReason::Ship);
    let observed = serving(&release, 1);
    assert_eq!(
        titles(&desired, &observed),
        ["prepare network and proxy", "start 2 × web", "wait until healthy", "let them take requests", "observe what serves"]
    );
    assert_eq!(plan(&desired, &observed, &Circumstances::default()).reason, RolloutReason::Scale);
}

#[test]
fn fewer_replicas_retire_some_and_start_none() {
    let release = release("aaa");
    let desired = desired(release.clone(), placement(1), RolloutReason::Ship);
    assert_eq!(
        titles(&desired, &serving(&release, 3)),
        [
            "prepare network and proxy",
            "let them take requests",
            "let requests in flight end",
            "retire 2 × web",
            "observe what serves"
        ]
    );
}

#[test]
fn an_instance_that_ended_is_replaced_by_a_fresh_one() {
    let release = release("aaa");
    let mut observed = serving(&release, 2);
    observed.instances[1].state = InstanceState::Exited { exit_code: 1, oom: false };
    match change(&desired(release, placement(2), RolloutReason::Ship), &observed) {
        Change::Scale { start, retire } => {
            assert_eq!(start.values().sum::<u16>(), 1);
            assert_eq!(retire.len(), 1);
            assert_eq!(retire[0].id, observed.instances[1].id);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_variable_is_a_rollout_of_the_same_release() {
    let release = release("aaa");
    let mut changed = placement(1);
    changed.env.insert("COLOUR".into(), "green".into());
    assert_eq!(change(&desired(release.clone(), changed, RolloutReason::Ship), &serving(&release, 1)), Change::Replace);
}

#[test]
fn a_restart_replaces_although_nothing_changed() {
    let release = release("aaa");
    assert_eq!(change(&desired(release.clone(), placement(1), RolloutReason::Restart), &serving(&release, 1)), Change::Replace);
}

#[test]
fn before_start_runs_for_a_new_release_only() {
    let mut new = release("bbb");
    new.settings.before_start = Some(CommandLine::Shell("manage.py migrate".into()));
    let observed = serving(&release("aaa"), 1);
    let runs = |reason| {
        titles(&desired(new.clone(), placement(1), reason), &observed).contains(&"run `manage.py migrate` once".to_owned())
    };
    assert!(runs(RolloutReason::Ship));
    assert!(runs(RolloutReason::Promote));
    assert!(!runs(RolloutReason::Rollback));
    assert!(!runs(RolloutReason::Restart));
}

#[test]
fn no_web_replica_is_no_promise() {
    let desired = desired(release("aaa"), placement(0), RolloutReason::Ship);
    assert_eq!(
        plan(&desired, &Observed::default(), &Circumstances::default()).guarantee,
        Guarantee::No { because: "`web` has replicas = 0: nothing will answer".into() }
    );
}

#[test]
fn leftovers_are_whatever_the_serving_side_does_not_need() {
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    let mut observed = serving(&new, 1);
    let before = RolloutId::new("r0");
    observed.instances.push(instance("old-web", "web", &old, &before));
    observed.instances.push(instance("old-worker", "worker", &old, &before));
    // Started for the serving side, but its process ended before it joined.
    observed.instances.push(instance("never-joined", "web", &new, &RolloutId::new("r1")));
    let left: Vec<String> = leftovers(&observed).into_iter().map(|left| left.0.id.to_string()).collect();
    assert_eq!(left, ["old-web", "old-worker", "never-joined"]);
}

#[test]
fn without_a_serving_side_everything_is_a_leftover() {
    let mut observed = serving(&release("aaa"), 2);
    observed.serving = None;
    assert_eq!(leftovers(&observed).len(), 2);
}

/// What a plan says, whole.
fn told(desired: &Desired, observed: &Observed, circumstances: &Circumstances) -> String {
    let plan = plan(desired, observed, circumstances);
    let guarantee = match plan.guarantee {
        Guarantee::Yes => "zero downtime".to_owned(),
        Guarantee::No { because } => format!("no, because {because}"),
    };
    let needs = plan.needs;
    let steps: Vec<String> = plan.steps.iter().map(|step| format!("  {}", step.title)).collect();
    format!(
        "{}: {guarantee}\nat most {} instances, {:?} bytes of memory of {:?}, {:?} of disk, {:?} ms\n{}\n",
        plan.strategy.word(),
        needs.instances,
        needs.memory,
        needs.memory_free,
        needs.disk_free,
        plan.expected_ms,
        steps.join("\n")
    )
}

fn moving(strategy: Strategy) -> Circumstances {
    Circumstances { strategy, bake: Duration::from_secs(30), pause: Duration::from_secs(10), ..Circumstances::default() }
}

/// An engine on which every instance uses 100 MB, with so much left.
fn with_room(observed: &Observed, memory_free: u64) -> Circumstances {
    let used = observed.instances.iter().map(|instance| (instance.id.clone(), 100_000_000)).collect();
    let room = Room { memory_free: Some(memory_free), disk_free: Some(9_000_000_000), used, ..Room::default() };
    Circumstances { room, ..moving(Strategy::BlueGreen) }
}

#[test]
fn a_canary_gets_its_shares_before_the_switch() {
    let desired = desired(release_with_worker("bbb"), placement(2), RolloutReason::Ship);
    let canary = moving(Strategy::Canary { steps: vec![5, 25, 50] });
    insta::assert_snapshot!(told(&desired, &serving(&release_with_worker("aaa"), 2), &canary));
}

#[test]
fn a_rolling_release_takes_the_place_of_the_old_batch_by_batch() {
    let desired = desired(release_with_worker("bbb"), placement(5), RolloutReason::Ship);
    let rolling = moving(Strategy::Rolling { batch: Batch::Percent(40) });
    insta::assert_snapshot!(told(&desired, &serving(&release_with_worker("aaa"), 5), &rolling));
}

#[test]
fn a_rolling_release_keeps_an_old_instance_until_the_switch() {
    let old = serving(&release("aaa"), 1);
    let desired = desired(release("bbb"), placement(3), RolloutReason::Ship);
    let rolling = Circumstances { pause: Duration::ZERO, ..moving(Strategy::Rolling { batch: Batch::Instances(1) }) };
    insta::assert_snapshot!(told(&desired, &old, &rolling));
}

#[test]
fn whoever_goes_back_or_starts_afresh_needs_no_canary() {
    let canary = moving(Strategy::Canary { steps: vec![5] });
    let strategy = |reason, observed: &Observed| {
        let desired = desired(release("bbb"), placement(1), reason);
        plan(&desired, observed, &canary).strategy
    };
    let old = serving(&release("aaa"), 1);
    assert_eq!(strategy(RolloutReason::Rollback, &old), Strategy::BlueGreen);
    assert_eq!(strategy(RolloutReason::Restart, &old), Strategy::BlueGreen);
    assert_eq!(strategy(RolloutReason::Ship, &Observed::default()), Strategy::BlueGreen);
    assert_eq!(strategy(RolloutReason::Promote, &old), Strategy::Canary { steps: vec![5] });
}

#[test]
fn a_volume_for_one_at_a_time_makes_the_old_stop_first() {
    let mut new = release("bbb");
    new.app.volumes.push(VolumeMount { name: "data".into(), path: "/data".into(), exclusive: true });
    new.settings.before_start = Some(CommandLine::Shell("manage.py migrate".into()));
    let desired = desired(new, placement(1), RolloutReason::Ship);
    insta::assert_snapshot!(told(&desired, &serving(&release("aaa"), 1), &moving(Strategy::Canary { steps: vec![5] })));
    let first = plan(&desired, &Observed::default(), &Circumstances::default());
    assert_eq!(first.guarantee, Guarantee::Yes, "nothing serves that could be lost");
}

#[test]
fn too_little_memory_for_both_is_no_promise() {
    let old = serving(&release("aaa"), 3);
    let desired = desired(release("bbb"), placement(3), RolloutReason::Ship);
    insta::assert_snapshot!(told(&desired, &old, &with_room(&old, 250_000_000)));
    assert_eq!(plan(&desired, &old, &with_room(&old, 300_000_000)).guarantee, Guarantee::Yes);
    let rolling = Circumstances { strategy: Strategy::Rolling { batch: Batch::Instances(1) }, ..with_room(&old, 250_000_000) };
    assert_eq!(plan(&desired, &old, &rolling).guarantee, Guarantee::Yes, "one batch more fits");
    let full = Room { disk_free: Some(12_000_000), ..Room::default() };
    match plan(&desired, &old, &Circumstances { room: full, ..Circumstances::default() }).guarantee {
        Guarantee::No { because } => assert_eq!(because, "the engine's disk has 12 MB left"),
        Guarantee::Yes => panic!("a full disk promises nothing"),
    }
}

#[test]
fn what_it_takes_is_what_it_took() {
    let earlier = |seconds: i64| {
        let at = |second: i64| Some(format!("2026-01-01T00:00:{second:02}.000Z"));
        let step = |kind: StepKind, took: i64| StepRecord {
            position: 0,
            kind,
            state: StepState::Done,
            started_at: at(0),
            finished_at: at(took),
        };
        RolloutRecord {
            id: RolloutId::new("r"),
            run: "run".into(),
            project: "shop".into(),
            environment: "local".into(),
            reason: RolloutReason::Ship,
            from: None,
            to: "aaa".into(),
            placement: placement(1),
            state: RolloutState::Succeeded,
            failure: None,
            diagnosis: None,
            started_at: at(0).unwrap(),
            finished_at: at(59),
            message: None,
            anyway: None,
            by: "ann@one".into(),
            steps: vec![step(StepKind::Await, seconds), step(StepKind::Switch, 1), step(StepKind::Bake, 50)],
        }
    };
    let desired = desired(release("bbb"), placement(1), RolloutReason::Ship);
    let old = serving(&release("aaa"), 1);
    let past = Circumstances { earlier: [3, 9, 4].map(earlier).to_vec(), ..moving(Strategy::BlueGreen) };
    assert_eq!(plan(&desired, &old, &past).expected_ms, Some(4000 + 1000 + 30_000), "the bake is as long as it is set");
    let failed = |mut rollout: RolloutRecord| {
        rollout.state = RolloutState::Failed;
        rollout
    };
    let failures = Circumstances { earlier: vec![failed(earlier(3))], ..moving(Strategy::BlueGreen) };
    assert_eq!(plan(&desired, &old, &failures).expected_ms, None);
}

/// `bbb` serves, and `aaa` is warm beside it.
fn baking(web: u16) -> Observed {
    let mut observed = serving(&release_with_worker("bbb"), web);
    let mut before = serving(&release_with_worker("aaa"), web);
    let rollout = RolloutId::new("r0");
    let mut side = before.serving.take().unwrap();
    side.record.rollout = rollout.clone();
    side.instances = side.instances.iter().map(|id| format!("old-{id}").as_str().into()).collect();
    observed.instances.extend(before.instances.into_iter().map(|mut instance| {
        instance.id = format!("old-{}", instance.id).as_str().into();
        instance.rollout = rollout.clone();
        instance
    }));
    observed.idle = Some(side);
    observed
}

#[test]
fn a_rollback_to_what_is_warm_starts_nothing() {
    let back = desired(release_with_worker("aaa"), placement(2), RolloutReason::Rollback);
    insta::assert_snapshot!(told(&back, &baking(2), &moving(Strategy::Canary { steps: vec![5] })));
    assert_eq!(change(&back, &baking(2)), Change::Return { to: RolloutId::new("r0") });
}

#[test]
fn what_is_not_whole_any_more_is_not_gone_back_to() {
    let back = desired(release_with_worker("aaa"), placement(2), RolloutReason::Rollback);
    let mut broken = baking(2);
    broken.instances.last_mut().unwrap().state = InstanceState::Exited { exit_code: 1, oom: false };
    assert_eq!(change(&back, &broken), Change::Replace);
    let mut shared = baking(2);
    shared.share = 5;
    assert_eq!(change(&back, &shared), Change::Replace, "a canary that nobody ended");
    let mut tired = baking(2);
    let idle = tired.idle.as_mut().unwrap();
    idle.resting.insert(idle.instances[0].clone());
    assert_eq!(change(&back, &tired), Change::Replace);
    let ship = desired(release_with_worker("aaa"), placement(2), RolloutReason::Ship);
    assert_eq!(change(&ship, &baking(2)), Change::Replace);
    let elsewhere = desired(release_with_worker("aaa"), placement(3), RolloutReason::Rollback);
    assert_eq!(change(&elsewhere, &baking(2)), Change::Replace);
}
