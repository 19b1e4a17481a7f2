//! What a rollout would do, for every kind of difference between what is desired and what was observed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use nonevent_engine::model::{Guarantee, InstanceState, Placement, Release, RolloutId, RolloutReason};
use nonevent_engine::rollout::{Change, Desired, change, leftovers, plan};
use nonevent_engine::target::{Observed, Record, Side};
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
    Observed { serving: Some(Side { record, instances: ids }), instances, ..Observed::default() }
}

fn desired(release: Release, placement: Placement, reason: RolloutReason) -> Desired {
    Desired { release, placement, reason }
}

fn titles(desired: &Desired, observed: &Observed) -> Vec<String> {
    plan(desired, observed).steps.into_iter().map(|step| step.title).collect()
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
    assert_eq!(plan(&desired, &observed).reason, RolloutReason::Scale);
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
    new.settings.before_start = Some(nonevent_engine::model::CommandLine::Shell("manage.py migrate".into()));
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
        plan(&desired, &Observed::default()).guarantee,
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
