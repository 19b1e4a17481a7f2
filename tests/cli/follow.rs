//! Ctrl-C: the first stops a run cleanly, the second leaves it.

use nonevent_cli::follow::{Followed, follow};
use nonevent_cli::interrupt::Interrupts;
use nonevent_cli::out::Out;
use nonevent_cli::paint::Paint;
use nonevent_cli::tell::{HumanTeller, Lines, Paper};
use nonevent_engine::model::{RolloutReason, RunId, StepKind};
use nonevent_engine::request::{Approval, Run};
use nonevent_engine::{EngineError, EventBody, Fault};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::recording::{Recording, Shared};
use crate::scenarios::{self, OLD};

/// An engine that has told all of this and goes on until it is stopped.
struct Engine {
    updates: mpsc::Sender<nonevent_engine::Update>,
    outcome: oneshot::Sender<Result<nonevent_engine::request::Outcome, EngineError>>,
    cancel: CancellationToken,
}

async fn started(recording: &Recording) -> (Engine, Run) {
    let (updates, received) = mpsc::channel(256);
    let (outcome, told) = oneshot::channel();
    let cancel = CancellationToken::new();
    for update in &recording.updates {
        updates.send(update.clone()).await.unwrap();
    }
    let run =
        Run { id: RunId::new("1"), updates: received, outcome: told, cancel: cancel.clone(), approval: Approval::default() };
    (Engine { updates, outcome, cancel }, run)
}

fn teller(err: &Shared) -> HumanTeller {
    HumanTeller::new(Paper::plain(Out::new(err.clone())), Out::new(Shared::default()), (Paint::Plain, Paint::Plain), Lines::Kept)
}

/// Returns what was said when a person stopped the run after this recording.
async fn stopped_after(recording: Recording) -> String {
    let err = Shared::default();
    let (engine, run) = started(&recording).await;
    let (ask, asked) = mpsc::channel(4);
    // Not before everything was told: then the channel to the teller has all its room again.
    let stop = async {
        while engine.updates.capacity() < engine.updates.max_capacity() {
            tokio::task::yield_now().await;
        }
        ask.send(()).await.unwrap();
        engine.cancel.cancelled().await;
        drop(engine.updates);
        engine.outcome.send(Err(scenarios::error(Fault::Interrupted, "stopped"))).unwrap();
    };
    let (mut teller, mut interrupts) = (teller(&err), Interrupts::from_channel(asked));
    let (followed, ()) = tokio::join!(follow(run, &mut teller, &mut interrupts), stop);
    let Followed::Ended(Err(error)) = followed else { panic!("it did not end as stopped: {followed:?}") };
    assert_eq!(error.fault(), Fault::Interrupted);
    err.text().lines().find(|line| line.starts_with("stopping")).unwrap().to_owned()
}

fn rolling(verb: &str, from: Option<&str>) -> Recording {
    let mut run = Recording::of(verb);
    let plan = scenarios::plan(RolloutReason::Ship, from, &scenarios::steps());
    run.event(EventBody::RolloutPlanned { rollout: "r1".into(), plan });
    run
}

#[tokio::test]
async fn the_first_interrupt_stops_the_run_and_says_what_goes_on_serving() {
    let said = stopped_after(rolling("ship", Some(OLD))).await;
    assert_eq!(said, "stopping: the old release goes on serving (Ctrl-C again ends this at once)");
    let said = stopped_after(Recording::of("ship")).await;
    assert_eq!(said, "stopping: the old release goes on serving (Ctrl-C again ends this at once)");
    let said = stopped_after(rolling("ship", None)).await;
    assert_eq!(said, "stopping: nothing served before, nothing will (Ctrl-C again ends this at once)");
    let mut switched = rolling("rollback", Some(OLD));
    switched.step(StepKind::Switch, "move traffic", 1);
    let said = stopped_after(switched).await;
    assert_eq!(said, "stopping: the new release serves already (Ctrl-C again ends this at once)");
    let said = stopped_after(Recording::of("check")).await;
    assert_eq!(said, "stopping (Ctrl-C again ends this at once)");
}

#[tokio::test]
async fn the_second_interrupt_leaves_at_once() {
    let err = Shared::default();
    let (engine, run) = started(&scenarios::cancelled()).await;
    let (ask, asked) = mpsc::channel(4);
    ask.send(()).await.unwrap();
    ask.send(()).await.unwrap();
    let followed = follow(run, &mut teller(&err), &mut Interrupts::from_channel(asked)).await;
    assert!(matches!(followed, Followed::Left));
    assert!(engine.cancel.is_cancelled(), "the first one was not heard");
}

#[tokio::test]
async fn the_second_interrupt_leaves_a_run_that_only_owes_its_outcome() {
    let (engine, run) = started(&scenarios::cancelled()).await;
    drop(engine.updates);
    let (ask, asked) = mpsc::channel(4);
    ask.send(()).await.unwrap();
    ask.send(()).await.unwrap();
    let followed = follow(run, &mut teller(&Shared::default()), &mut Interrupts::from_channel(asked)).await;
    assert!(matches!(followed, Followed::Left));
    assert!(engine.cancel.is_cancelled());
}

/// The process's own signals, of which SIGTERM is as good as Ctrl-C.
#[cfg(unix)]
#[tokio::test]
async fn signals_are_interrupts() {
    use nix::sys::signal::{Signal, raise};
    let mut interrupts = Interrupts::listen().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGINT] {
        raise(signal).unwrap();
        interrupts.next().await;
    }
}
