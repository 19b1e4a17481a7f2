//! Follows a run to its end, and lets a person stop it.

use nonevent_engine::model::{Problem, RunId};
use nonevent_engine::request::{Outcome, Run};

use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::session::Session;
use crate::tell::Teller;

/// How following ended.
#[derive(Debug)]
pub enum Followed {
    /// The run came to its end.
    Ended(Result<Outcome, CliError>),
    /// A person asked twice: the process is to end now.
    Left,
}

/// Tells about a run until it has ended: the first interrupt stops it cleanly, the second leaves it.
pub async fn follow(mut run: Run, teller: &mut dyn Teller, interrupts: &mut Interrupts) -> Followed {
    let mut asked = false;
    loop {
        tokio::select! {
            () = interrupts.next() => {
                if asked {
                    teller.close();
                    return Followed::Left;
                }
                asked = true;
                teller.stopping();
                run.cancel.cancel();
            }
            update = run.updates.recv() => match update {
                Some(update) => teller.update(&update),
                None => break,
            },
        }
    }
    teller.close();
    loop {
        tokio::select! {
            () = interrupts.next() => {
                if asked {
                    return Followed::Left;
                }
                asked = true;
                run.cancel.cancel();
            }
            outcome = &mut run.outcome => {
                return Followed::Ended(match outcome {
                    Ok(Ok(outcome)) => Ok(outcome),
                    Ok(Err(mut error)) => {
                        add_evidence(&mut error.problem, teller);
                        Err(error.into())
                    }
                    Err(_) => Err(CliError::RunVanished),
                });
            }
        }
    }
}

/// Follows a run for a verb and prints how it ended.
///
/// # Errors
/// The run's own.
pub async fn carry(
    session: &mut Session,
    verb: &'static str,
    interrupts: Interrupts,
    start: impl Future<Output = Result<Run, nonevent_engine::EngineError>>,
) -> Result<Exit, CliError> {
    carry_and(session, verb, interrupts, start, |_| Ok(Vec::new())).await
}

/// Follows a run for a verb, prints how it ended, and does what is to be done after its end, however it was; the lines that this
/// returns are commands for the workflow that this process is a step of.
///
/// # Errors
/// The run's own; else why what comes after could not be done.
pub async fn carry_and(
    session: &mut Session,
    verb: &'static str,
    mut interrupts: Interrupts,
    start: impl Future<Output = Result<Run, nonevent_engine::EngineError>>,
    after: impl FnOnce(&RunId) -> Result<Vec<String>, CliError>,
) -> Result<Exit, CliError> {
    let mut teller = session.teller(verb);
    let run = start.await?;
    let id = run.id.clone();
    // What tests print is no command of ours. Nothing in their containers knows the word that ends this.
    let quiet = session.in_workflow();
    if quiet {
        session.err.line(&format!("::stop-commands::{id}"));
    }
    let followed = follow(run, teller.as_mut(), &mut interrupts).await;
    if quiet {
        session.err.line(&format!("::{id}::"));
    }
    let done = after(&id);
    for command in done.as_deref().unwrap_or_default() {
        session.err.line(command);
    }
    match followed {
        Followed::Ended(Ok(outcome)) => {
            teller.succeeded(&outcome);
            done.map(|_| Exit::Done)
        }
        Followed::Ended(Err(error)) => {
            if let Err(also) = done {
                session.remark(&format!("warning: {also}"));
            }
            teller.part();
            Err(error)
        }
        Followed::Left => Ok(Exit::Interrupted),
    }
}

/// An error that brings no evidence of its own is given what the run had shown.
fn add_evidence(problem: &mut Problem, teller: &dyn Teller) {
    if problem.details.is_empty() {
        problem.details = teller.evidence();
    }
}
