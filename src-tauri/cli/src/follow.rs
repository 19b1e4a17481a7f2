//! Follows a run to its end, and lets a person stop it.

use nonevent_engine::event::Question;
use nonevent_engine::model::{Problem, RunId};
use nonevent_engine::request::{Outcome, Run};
use nonevent_engine::{EventBody, Update};

use crate::confirm::Ask;
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
pub async fn follow(run: Run, teller: &mut dyn Teller, interrupts: &mut Interrupts) -> Followed {
    follow_asking(run, teller, interrupts, None).await
}

/// The same, with somebody who is asked what the run wants to know. Without anybody a run that asks is stopped.
pub async fn follow_asking(
    mut run: Run,
    teller: &mut dyn Teller,
    interrupts: &mut Interrupts,
    mut asker: Option<&mut (dyn Ask + 'static)>,
) -> Followed {
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
                Some(update) => {
                    teller.update(&update);
                    if let Some(question) = question(&update) {
                        teller.close();
                        match asker.as_deref_mut().map(|asker| agrees(asker, &question)) {
                            Some(Ok(true)) => run.approval.give(),
                            _ => {
                                asked = true;
                                teller.stopping();
                                run.cancel.cancel();
                            }
                        }
                    }
                }
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

fn question(update: &Update) -> Option<String> {
    let Update::Event(event) = update else { return None };
    let EventBody::ApprovalWanted { question, .. } = &event.body else { return None };
    Some(match question {
        Question::Downtime { because } => format!("Requests may be lost, because {because}. Go on? [y/N]"),
        Question::Preview { url: Some(url) } => format!("Only the new instances answer at {url}. Switch traffic to them? [y/N]"),
        Question::Preview { url: None } => "The new instances are healthy. Go on with them? [y/N]".to_owned(),
    })
}

/// Asks for a yes; the run's heartbeats go on meanwhile.
fn agrees(asker: &mut (dyn Ask + 'static), question: &str) -> std::io::Result<bool> {
    let mut ask = || asker.ask(question);
    let answer = match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(ask),
        _ => ask(),
    }?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
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
    let followed = follow_asking(run, teller.as_mut(), &mut interrupts, session.asker.as_deref_mut()).await;
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
