//! Rolling and canary rollouts, the bake, the preview and the warm way back, on the scripted target: whatever fails at whichever call,
//! what answers is the old release or the new one, and afterwards exactly one of them is there, whole.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use nonevent_engine::event::{EventBody, Question};
use nonevent_engine::model::{Batch, Release, RolloutReason, RolloutState, Strategy};
use nonevent_engine::request::{Bake, Consent, Preview};
use nonevent_engine::rollout::{Desired, Finished, Order, RolloutError};
use nonevent_engine::target::{Room, Target};
use nonevent_testkit::laptop::{Laptop, alone, canary, order, rolling, single, whole};
use nonevent_testkit::scripted::{Fault, Manner, Method, Script, ScriptedEngine};
use nonevent_testkit::shop::{place, placement, release, release_with_worker};
use tokio_util::sync::CancellationToken;

/// Makes a release worse.
type Worsen = fn(&ScriptedEngine, &Release);

#[tokio::test(start_paused = true)]
async fn a_rolling_release_never_serves_with_less_and_never_needs_more_than_a_batch() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 4)).await.unwrap();
    let watching = engine.clone();
    let watch = tokio::spawn(async move {
        let (mut least, mut most) = (usize::MAX, 0);
        let process = watching.process();
        loop {
            let observed = process.observe(&place()).await.unwrap();
            let sides = [&observed.serving, &observed.idle].into_iter().flatten();
            let reached = sides.flat_map(|side| side.instances.iter().filter(|id| !side.resting.contains(*id)));
            least = least.min(reached.count());
            let running = observed
                .instances
                .iter()
                .filter(|one| one.process.as_str() == "web" && one.state == nonevent_engine::model::InstanceState::Running);
            most = most.max(running.count());
            if observed.serving.is_some_and(|side| side.record.release.id.as_str() == "bbb") {
                return (least, most);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    laptop.ship(&engine.process(), &rolling(&new, 4)).await.unwrap();
    assert_eq!(watch.await.unwrap(), (4, 5));
    whole(&engine, &new, 4, "rolled").await;
}

#[tokio::test(start_paused = true)]
async fn a_rolling_release_that_gets_stuck_leaves_the_old_one_whole() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 3)).await.unwrap();
    let (turns, id) = (engine.clone(), new.id.clone());
    tokio::spawn(async move {
        while turns.share(&place()) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        turns.behave(&id, Script::Sick);
    });
    let error = laptop.ship(&engine.process(), &rolling(&new, 3)).await.unwrap_err();
    assert!(matches!(error, RolloutError::NeverHealthy { .. }), "{error}");
    whole(&engine, &old, 3, "stuck").await;
}

#[tokio::test(start_paused = true)]
async fn a_good_canary_gets_all_of_it() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    engine.load(500);
    laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap();
    let process = engine.process();
    assert_eq!(laptop.ship(&process, &canary(&new, 2)).await.unwrap(), Some(Finished::Switched));
    whole(&engine, &new, 2, "a good canary").await;
    assert_eq!(process.calls().iter().filter(|call| **call == Method::Share).count(), 2);
    let verdicts = laptop.verdicts().await;
    assert_eq!(verdicts.len(), 3, "after each step and after the bake: {verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict.worse.is_none() && verdict.new.requests > 0), "{verdicts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_canary_goes_back_before_most_have_met_it() {
    let cases: [(&str, Worsen); 3] = [
        ("5xx", |engine, new| engine.answer_so(&new.id, Manner { errors: 50, milliseconds: 10 })),
        ("p95", |engine, new| engine.answer_so(&new.id, Manner { errors: 0, milliseconds: 900 })),
        ("probes", |engine, new| {
            let (engine, id) = (engine.clone(), new.id.clone());
            tokio::spawn(async move {
                while engine.share(&place()) == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                engine.behave(&id, Script::Sick);
            });
        }),
    ];
    for (reason, worsen) in cases {
        let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
        let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
        engine.load(1000);
        laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap();
        worsen(&engine, &new);
        let process = engine.process();
        let longer = Order { pause: Duration::from_secs(5), ..canary(&new, 2) };
        let error = laptop.ship(&process, &longer).await.unwrap_err();
        assert!(
            matches!(&error, RolloutError::WentBack { to, reason: why, .. } if *to == old.id && why.contains(reason)),
            "{error}"
        );
        assert!(!process.calls().contains(&Method::Switch), "{reason}: everybody met it");
        assert_eq!(laptop.states()[0], RolloutState::WentBack);
        let failure = laptop.store.rollouts(&place().project, None, 1).unwrap()[0].failure.clone().unwrap();
        assert!(failure.contains(reason), "{failure}");
        whole(&engine, &old, 2, reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_worse_after_the_switch_goes_back() {
    for strategy in [Strategy::BlueGreen, Strategy::Rolling { batch: Batch::Instances(1) }] {
        let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
        let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
        engine.load(100);
        laptop.ship(&engine.process(), &order(&old, 3)).await.unwrap();
        engine.answer_so(&new.id, Manner { errors: 30, milliseconds: 10 });
        let baking = Order { bake: Duration::from_secs(60), strategy: strategy.clone(), ..order(&new, 3) };
        let error = laptop.ship(&engine.process(), &baking).await.unwrap_err();
        assert!(matches!(&error, RolloutError::WentBack { to, .. } if *to == old.id), "{error}");
        whole(&engine, &old, 3, strategy.word()).await;
        assert_eq!(laptop.states()[0], RolloutState::WentBack);
        let verdicts = laptop.verdicts().await;
        assert!(verdicts.last().unwrap().worse.is_some(), "{verdicts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_restarts_goes_back() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    let (turns, id) = (engine.clone(), new.id.clone());
    tokio::spawn(async move {
        while turns.serving(&place()) != Some(id.clone()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        turns.restart(&id, 1);
    });
    let baking = Order { bake: Duration::from_secs(60), ..order(&new, 1) };
    let error = laptop.ship(&engine.process(), &baking).await.unwrap_err();
    assert!(error.to_string().contains("restarted"), "{error}");
    whole(&engine, &old, 1, "restarted").await;
}

#[tokio::test(start_paused = true)]
async fn going_back_does_not_help_when_both_fail() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    let (turns, ids) = (engine.clone(), (old.id.clone(), new.id.clone()));
    tokio::spawn(async move {
        while turns.serving(&place()) != Some(ids.1.clone()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        turns.behave(&ids.0, Script::Sick);
        turns.behave(&ids.1, Script::Sick);
    });
    let baking = Order { bake: Duration::from_secs(20), ..order(&new, 1) };
    assert_eq!(laptop.ship(&engine.process(), &baking).await.unwrap(), Some(Finished::Switched));
    assert_eq!(engine.serving(&place()), Some(new.id));
    let warned = laptop
        .told()
        .await
        .iter()
        .any(|body| matches!(body, EventBody::WarningRaised { message, .. } if message.contains("so do the old")));
    assert!(warned, "nobody was told");
}

#[tokio::test(start_paused = true)]
async fn few_requests_are_no_reason_to_go_back() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    engine.load(2);
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    engine.answer_so(&new.id, Manner { errors: 100, milliseconds: 9000 });
    let baking = Order { bake: Duration::from_secs(5), ..order(&new, 1) };
    assert_eq!(laptop.ship(&engine.process(), &baking).await.unwrap(), Some(Finished::Switched));
    whole(&engine, &new, 1, "few requests").await;
}

#[tokio::test(start_paused = true)]
async fn a_volume_for_one_at_a_time_is_never_had_by_two() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (single("aaa"), single("bbb"));
    laptop.ship(&engine.process(), &alone(&old)).await.unwrap();
    let watching = engine.clone();
    let watch = tokio::spawn(async move {
        let process = watching.process();
        loop {
            let observed = process.observe(&place()).await.unwrap();
            let running = observed.instances.iter().filter(|one| one.state == nonevent_engine::model::InstanceState::Running);
            assert!(running.count() <= 1, "two have the volume: {:?}", observed.instances);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    laptop.ship(&engine.process(), &alone(&new)).await.unwrap();
    whole(&engine, &new, 1, "exclusive").await;
    engine.behave(&old.id, Script::Sick);
    let error = laptop.ship(&engine.process(), &alone(&old)).await.unwrap_err();
    assert!(matches!(error, RolloutError::NeverHealthy { .. }), "{error}");
    whole(&engine, &new, 1, "an exclusive one that never got healthy").await;
    assert!(!watch.is_finished(), "{:?}", watch.await);
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn requests_are_not_lost_unasked() {
    let old = single("aaa");
    let new = single("bbb");
    for (consent, agrees) in [(Consent::Refuse, true), (Consent::Ask, false), (Consent::Ask, true), (Consent::Given, false)] {
        let (engine, laptop) = (ScriptedEngine::new(), Laptop { agrees, ..Laptop::new() });
        let first = Order { consent: Consent::Refuse, ..alone(&old) };
        laptop.ship(&engine.process(), &first).await.unwrap();
        let process = engine.process();
        let result = laptop.ship(&process, &Order { consent, ..alone(&new) }).await;
        let asked = laptop.told().await.iter().any(
            |body| matches!(body, EventBody::ApprovalWanted { question: Question::Downtime { because }, .. } if because.contains("data")),
        );
        assert_eq!(asked, consent == Consent::Ask);
        match (consent, agrees, result) {
            (Consent::Refuse, _, Err(error)) => {
                assert!(matches!(error, RolloutError::NotAgreed { .. }), "{error}");
                assert!(!process.calls().contains(&Method::Prepare), "something was touched");
                whole(&engine, &old, 1, "refused").await;
                assert_eq!(laptop.states()[0], RolloutState::Cancelled);
            }
            (Consent::Ask, false, Err(error)) => {
                assert!(matches!(error, RolloutError::Cancelled { .. }), "{error}");
                whole(&engine, &old, 1, "declined").await;
                assert_eq!(laptop.states()[0], RolloutState::Cancelled);
            }
            (Consent::Ask, true, Ok(_)) | (Consent::Given, _, Ok(_)) => whole(&engine, &new, 1, "agreed").await,
            (_, _, other) => panic!("{consent:?}, {agrees}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn too_little_memory_is_asked_about() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    engine.room(Room { memory_free: Some(60_000_000), ..Room::default() });
    laptop.ship(&engine.process(), &order(&release("aaa"), 2)).await.unwrap();
    let error = laptop.ship(&engine.process(), &order(&release("bbb"), 2)).await.unwrap_err();
    assert!(error.to_string().contains("need 100 MB of memory, and the engine has 60 MB left"), "{error}");
    laptop.ship(&engine.process(), &rolling(&release("bbb"), 2)).await.unwrap();
    whole(&engine, &release("bbb"), 2, "one at a time fits").await;
}

#[tokio::test(start_paused = true)]
async fn a_preview_can_be_waited_for() {
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    for agrees in [true, false] {
        let (engine, laptop) = (ScriptedEngine::new(), Laptop { agrees, ..Laptop::new() });
        laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
        let shown = Order { preview: Preview::Ask, ..order(&new, 1) };
        let result = laptop.ship(&engine.process(), &shown).await;
        let told = laptop.told().await;
        let url = told.iter().rev().find_map(|body| match body {
            EventBody::PreviewReady { url, .. } => Some(url.clone()),
            _ => None,
        });
        assert_eq!(url, Some(Some("http://shop.localhost:8081".into())));
        match agrees {
            true => assert_eq!(result.unwrap(), Some(Finished::Switched)),
            false => assert!(matches!(result, Err(RolloutError::Cancelled { .. }))),
        }
        whole(&engine, if agrees { &new } else { &old }, 1, "looked at").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_finds_the_old_release_warm() {
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    let back = Order {
        desired: Desired { release: old.clone(), placement: placement(2), reason: RolloutReason::Rollback },
        ..order(&old, 2)
    };
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap();
    let warm = engine.process().observe(&place()).await.unwrap().instances;
    let detached = Order { bake: Duration::from_secs(60), wait: Bake::Detach, ..order(&new, 2) };
    assert_eq!(laptop.ship(&engine.process(), &detached).await.unwrap(), Some(Finished::Baking));
    let process = engine.process();
    assert_eq!(laptop.ship(&process, &back).await.unwrap(), Some(Finished::Switched));
    assert!(!process.calls().contains(&Method::Start), "{:?}", process.calls());
    whole(&engine, &old, 2, "the warm one").await;
    let now = engine.process().observe(&place()).await.unwrap().instances;
    let ids = |instances: &[nonevent_engine::model::Instance]| instances.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&now), ids(&warm), "the very same instances");
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_for_the_bake_leaves_the_way_back_open() {
    let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
    let (old, new) = (release_with_worker("aaa"), release_with_worker("bbb"));
    laptop.ship(&engine.process(), &order(&old, 1)).await.unwrap();
    let (cancel, turns) = (laptop.cancel.clone(), engine.clone());
    tokio::spawn(async move {
        while turns.serving(&place()).is_none_or(|release| release.as_str() != "bbb") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    });
    let baking = Order { bake: Duration::from_secs(600), ..order(&new, 1) };
    assert_eq!(laptop.ship(&engine.process(), &baking).await.unwrap(), Some(Finished::Baking));
    let observed = engine.process().observe(&place()).await.unwrap();
    assert_eq!(observed.idle.unwrap().record.release.id, old.id, "the old instances are gone");
    assert_eq!(laptop.states()[0], RolloutState::Baking);
    let next = Laptop { cancel: CancellationToken::new(), ..laptop.clone() };
    next.recover(&engine.process()).await;
    whole(&engine, &new, 1, "recovered").await;
    assert_eq!(next.states()[0], RolloutState::Succeeded);
}

/// Every fault at every call: what answers is one of the two all the time, `recover` alone makes one of them whole, and the next rollout
/// ends well.
async fn matrix(old: &Order, new: &Order, web: usize) {
    let releases = [&old.desired.release, &new.desired.release];
    for fault in [Fault::Fail, Fault::FailAfter, Fault::DieBefore, Fault::DieHalfway, Fault::DieAfter] {
        for nth in 1.. {
            let what = format!("{} {fault:?} at call {nth}", new.strategy.word());
            let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
            laptop.ship(&engine.process(), old).await.unwrap();
            let process = engine.process();
            process.fault_at(nth, fault);
            let struck = tokio::select! {
                biased;
                () = process.died() => true,
                result = laptop.ship(&process, new) => result.is_err() || process.counted_calls().len() >= nth,
            };
            let serving = engine.serving(&place());
            let known = releases.iter().find(|release| Some(&release.id) == serving.as_ref());
            assert!(known.is_some(), "{what}: {serving:?} serves");
            engine.advance(Duration::from_secs(31));
            laptop.recover(&engine.process()).await;
            let serving = engine.serving(&place());
            let known = releases.iter().find(|release| Some(&release.id) == serving.as_ref()).unwrap();
            whole(&engine, known, web, &format!("{what}, recovered")).await;
            laptop.ship(&engine.process(), new).await.unwrap_or_else(|error| panic!("{what}: the next rollout failed: {error}"));
            whole(&engine, releases[1], web, &what).await;
            assert_eq!(laptop.open(), 0, "{what}: the journal has an open rollout");
            if !struck {
                assert!(nth > 8, "a rollout of {nth} calls was not struck once");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_of_a_rolling_rollout_leaves_one_whole_release() {
    matrix(&order(&release_with_worker("aaa"), 3), &rolling(&release_with_worker("bbb"), 3), 3).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_of_a_canary_leaves_one_whole_release() {
    matrix(&order(&release_with_worker("aaa"), 2), &canary(&release_with_worker("bbb"), 2), 2).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_with_an_exclusive_volume_leaves_one_whole_release() {
    matrix(&alone(&single("aaa")), &alone(&single("bbb")), 1).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_call_of_going_back_leaves_one_whole_release() {
    for strategy in [Strategy::BlueGreen, Strategy::Rolling { batch: Batch::Instances(1) }] {
        let (old, bad) = (release_with_worker("aaa"), release_with_worker("bbb"));
        for fault in [Fault::FailAfter, Fault::DieBefore, Fault::DieHalfway, Fault::DieAfter] {
            for nth in 1.. {
                let what = format!("going back from {}, {fault:?} at call {nth}", strategy.word());
                let (engine, laptop) = (ScriptedEngine::new(), Laptop::new());
                engine.load(200);
                laptop.ship(&engine.process(), &order(&old, 2)).await.unwrap();
                engine.answer_so(&bad.id, Manner { errors: 90, milliseconds: 10 });
                let baking = Order { bake: Duration::from_secs(30), strategy: strategy.clone(), ..order(&bad, 2) };
                let process = engine.process();
                process.fault_at(nth, fault);
                let struck = tokio::select! {
                    biased;
                    () = process.died() => true,
                    _ = laptop.ship(&process, &baking) => process.counted_calls().len() >= nth,
                };
                engine.advance(Duration::from_secs(31));
                laptop.recover(&engine.process()).await;
                let serving = engine.serving(&place()).unwrap();
                whole(&engine, if serving == old.id { &old } else { &bad }, 2, &what).await;
                if !struck {
                    break;
                }
            }
        }
    }
}
