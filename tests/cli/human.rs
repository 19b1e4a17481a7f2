//! What people read while a run goes on.

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use nonevent_cli::error::CliError;
use nonevent_cli::follow::{Followed, follow};
use nonevent_cli::interrupt::Interrupts;
use nonevent_cli::out::Out;
use nonevent_cli::paint::Paint;
use nonevent_cli::problem;
use nonevent_cli::tell::{HumanTeller, Lines, Mark, Narrator, Paper, Teller};
use nonevent_engine::model::{RunState, Stage, StageState};
use nonevent_engine::request::{Done, Outcome};
use nonevent_engine::{EngineError, Fault};
use tokio::sync::mpsc;

use crate::recording::{Recording, Shared, replay};
use crate::scenarios::{self, outcome};

/// Both streams of a verb whose output is piped.
async fn piped(recording: &Recording, lines: Lines, ending: Result<Outcome, EngineError>) -> String {
    let (out, err) = (Shared::default(), Shared::default());
    let mut teller =
        HumanTeller::new(Paper::plain(Out::new(err.clone())), Out::new(out.clone()), (Paint::Plain, Paint::Plain), lines);
    let (_never, asked) = mpsc::channel(1);
    match follow(replay(recording, ending), &mut teller, &mut Interrupts::from_channel(asked)).await {
        Followed::Ended(Ok(outcome)) => teller.succeeded(&outcome),
        Followed::Ended(Err(error)) => {
            teller.part();
            Out::new(err.clone()).line(&problem::render(&error.problem(), Paint::Plain));
        }
        Followed::Left => panic!("nobody asked to leave"),
    }
    format!("---- stderr\n{}---- stdout\n{}", err.text(), out.text())
}

/// The screen at each moment that the recording marks, and at the end.
fn screens(recording: &Recording) -> String {
    let terminal = InMemoryTerm::new(60, 100);
    let mut paper = Paper::still(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
    let mut narrator = Narrator::new(Paint::Plain, Lines::Kept);
    let mut seen = String::new();
    let mut looks = recording.looks.iter().peekable();
    for (index, update) in recording.updates.iter().enumerate() {
        paper.apply(narrator.tell(update));
        while let Some((_, what)) = looks.next_if(|(after, _)| *after == index + 1) {
            seen.push_str(&format!("==== {what}\n{}\n", terminal.contents()));
        }
    }
    paper.apply(narrator.close());
    format!("{seen}==== at the end\n{}\n", terminal.contents())
}

#[tokio::test]
async fn a_green_ship_piped() {
    insta::assert_snapshot!(piped(&scenarios::green_ship(), Lines::Kept, Ok(outcome(Done::Switched))).await);
}

#[test]
fn a_green_ship_on_a_terminal() {
    insta::assert_snapshot!(screens(&scenarios::green_ship()));
}

#[tokio::test]
async fn a_green_ship_with_every_line() {
    insta::assert_snapshot!(piped(&scenarios::green_ship(), Lines::Shown, Ok(outcome(Done::Switched))).await);
}

#[tokio::test]
async fn red_gates() {
    insta::assert_snapshot!(piped(&scenarios::red_gates(), Lines::Kept, Err(scenarios::red_gates_error())).await);
}

/// A fixture that breaks fails every test that asks for it: the first ones tell why, the others only that.
#[tokio::test]
async fn many_failing_tests_do_not_bury_the_first() {
    insta::assert_snapshot!(piped(&scenarios::broken_fixture(), Lines::Kept, Err(scenarios::red_gates_error())).await);
}

#[tokio::test]
async fn an_error_before_anything_was_told_stands_alone() {
    let printed = piped(&Recording::of("ship"), Lines::Kept, Err(scenarios::red_gates_error())).await;
    assert!(printed.starts_with("---- stderr\nerror: shop was not released"), "{printed}");
}

#[tokio::test]
async fn a_failed_rollout_shows_probes_and_last_lines() {
    let ending = Err(scenarios::failed_rollout_error());
    insta::assert_snapshot!(piped(&scenarios::failed_rollout(), Lines::Kept, ending).await);
}

#[tokio::test]
async fn evidence_of_the_engine_is_not_told_twice() {
    let mut error = scenarios::failed_rollout_error();
    error.problem.details = vec!["probe transcript of the engine".into()];
    let told = piped(&scenarios::failed_rollout(), Lines::Kept, Err(error)).await;
    assert!(told.contains("\n  probe transcript of the engine\n"), "{told}");
    assert!(!told.contains("Invalid HTTP_HOST"), "{told}");
}

#[test]
fn a_failed_rollout_on_a_terminal() {
    insta::assert_snapshot!(screens(&scenarios::failed_rollout()));
}

#[tokio::test]
async fn a_failed_build_shows_its_last_lines_and_the_lock_its_warnings() {
    let error = scenarios::error(Fault::User, "the image was not built");
    insta::assert_snapshot!(piped(&scenarios::failed_build(), Lines::Kept, Err(error)).await);
}

#[tokio::test]
async fn nothing_to_do() {
    insta::assert_snapshot!(piped(&scenarios::nothing_to_do(), Lines::Kept, Ok(outcome(Done::Nothing))).await);
}

#[tokio::test]
async fn a_rollback_that_cannot_keep_its_guarantee() {
    insta::assert_snapshot!(piped(&scenarios::rollback(), Lines::Kept, Ok(outcome(Done::Switched))).await);
}

#[tokio::test]
async fn a_cancelled_ship_piped() {
    let error = scenarios::error(Fault::Interrupted, "the ship to local was stopped; 9c01d2e4f5a6 goes on serving");
    insta::assert_snapshot!(piped(&scenarios::cancelled(), Lines::Kept, Err(error)).await);
}

/// The engine tells what was stopped as failed; a person who stopped it is not told of failures.
#[test]
fn what_a_person_stopped_is_no_failure() {
    let before = scenarios::gates_run();
    let mut after = before.clone();
    after
        .end(Stage::Gauntlet, StageState::Failed, "stopped at gauntlet: what serves was not touched", 500)
        .finish(RunState::Cancelled);
    let mut narrator = Narrator::new(Paint::Plain, Lines::Kept);
    before.updates.iter().for_each(|update| drop(narrator.tell(update)));
    let mut marks = narrator.stopping();
    after.updates.iter().skip(before.updates.len()).for_each(|update| marks.extend(narrator.tell(update)));
    let printed = marks.into_iter().filter_map(|mark| match mark {
        Mark::Print(line) => Some(line),
        Mark::Show(_) | Mark::Hide(_) => None,
    });
    insta::assert_snapshot!(printed.collect::<Vec<_>>().join("\n"), @r"
    stopping: the old release goes on serving (Ctrl-C again ends this at once)
      – format       stopped
      – types        stopped
      – unit         stopped
    – gauntlet       stopped                                                0.5 s
    ");
    assert!(narrator.close().is_empty(), "something still moves");
}

#[test]
fn a_cancelled_ship_on_a_terminal_leaves_nothing_moving() {
    insta::assert_snapshot!(screens(&scenarios::cancelled()));
}

#[tokio::test]
async fn endings() {
    let mut told = String::new();
    let worker = Outcome { url: None, ..outcome(Done::Switched) };
    let endings = [outcome(Done::Scaled), outcome(Done::Checked), outcome(Done::Removed), worker];
    for ending in endings {
        let both = piped(&scenarios::green_ship(), Lines::Kept, Ok(ending)).await;
        told.push_str(both.split_once("---- stdout\n").unwrap().1);
    }
    insta::assert_snapshot!(told, @r"
    shop 3f2a91c04d5e is scaled and serves local at http://shop.localhost (9.3 s)
    shop is proven: 3 green, 1 not set up (9.3 s)
    local of shop is removed (9.3 s)
    shop 3f2a91c04d5e runs in local (9.3 s)
    ");
}

#[tokio::test]
async fn a_run_that_vanishes_is_a_fault_of_ours() {
    let mut run = replay(&scenarios::cancelled(), Ok(outcome(Done::Nothing)));
    (_, run.outcome) = tokio::sync::oneshot::channel();
    let mut teller = HumanTeller::new(Paper::silent(), Out::new(Shared::default()), (Paint::Plain, Paint::Plain), Lines::Kept);
    let (_never, asked) = mpsc::channel(1);
    let followed = follow(run, &mut teller, &mut Interrupts::from_channel(asked)).await;
    let Followed::Ended(Err(error)) = followed else { panic!("it ended well") };
    assert!(matches!(error, CliError::RunVanished));
    assert_eq!(error.fault(), Fault::Ours);
}

/// Colour only ever adds: without it every line says the same.
#[test]
fn colour_changes_no_word() {
    for recording in [scenarios::green_ship(), scenarios::red_gates(), scenarios::failed_rollout(), scenarios::cancelled()] {
        let mut plain = Narrator::new(Paint::Plain, Lines::Shown);
        let mut colour = Narrator::new(Paint::Colour, Lines::Shown);
        let mut painted = 0;
        for update in &recording.updates {
            let (plain, colour) = (format!("{:?}", plain.tell(update)), colour.tell(update));
            let unpainted: Vec<_> = colour.iter().cloned().map(unpaint).collect();
            painted += usize::from(colour != unpainted);
            assert_eq!(plain, format!("{unpainted:?}"));
        }
        assert!(painted > 0, "nothing bears colour");
    }
}

fn unpaint(mark: Mark) -> Mark {
    use nonevent_cli::tell::Live;
    let strip = |text: String| console::strip_ansi_codes(&text).into_owned();
    match mark {
        Mark::Print(text) => Mark::Print(strip(text)),
        Mark::Show(live) => Mark::Show(Live { text: strip(live.text), ..live }),
        hide @ Mark::Hide(_) => hide,
    }
}
