//! `nonevent check --watch`: a round of gates after each save.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use nonevent_engine::Engine;
use nonevent_engine::request::{CheckRequest, Gates};

use crate::error::CliError;
use crate::exit::Exit;
use crate::follow::{Followed, follow};
use crate::interrupt::Interrupts;
use crate::session::{Format, Session};
use crate::start::tell_error;
use crate::words::counted;

/// Puts the cursor at the top of an empty screen, and empties what was scrolled away.
const CLEAR: &[u8] = b"\x1b[2J\x1b[3J\x1b[H";

/// Runs rounds until somebody stops it.
///
/// # Errors
/// When the project cannot be watched. What a round finds is told and ends nothing.
pub async fn run(
    engine: &Engine,
    folder: &Path,
    request: CheckRequest,
    session: &mut Session,
    mut interrupts: Interrupts,
) -> Result<Exit, CliError> {
    let mut changes = engine.watch_source(folder).await?;
    let mut round = Round { request, changed: Vec::new() };
    loop {
        round.open(session);
        let newer = match engine.check(folder, round.request) {
            Ok(run) => {
                let stop = run.cancel.clone();
                let mut teller = session.teller("check");
                let (followed, newer) = {
                    let following = follow(run, teller.as_mut(), &mut interrupts);
                    tokio::pin!(following);
                    // A save while gates run makes their answers old: they begin again.
                    tokio::select! {
                        followed = &mut following => (followed, None),
                        changed = changes.next() => {
                            stop.cancel();
                            (following.await, Some(changed?))
                        }
                    }
                };
                if interrupts.were_heard() {
                    return Ok(Exit::Done);
                }
                match followed {
                    Followed::Left => return Ok(Exit::Done),
                    Followed::Ended(_) if newer.is_some() => {}
                    Followed::Ended(Ok(outcome)) => teller.succeeded(&outcome),
                    Followed::Ended(Err(error)) => {
                        teller.part();
                        tell(&error, session);
                    }
                }
                newer
            }
            Err(error) => {
                tell(&CliError::from(error), session);
                None
            }
        };
        let changed = match newer {
            Some(changed) => changed,
            None => {
                session.remark("watching: save a file to run what it concerns, Ctrl-C to end");
                tokio::select! {
                    changed = changes.next() => changed?,
                    () = interrupts.next() => return Ok(Exit::Done),
                }
            }
        };
        // Whoever asked for every gate asked for the first round.
        round = Round { request: CheckRequest { gates: Gates::Changed, ..request }, changed };
    }
}

/// What a round is about.
struct Round {
    request: CheckRequest,
    changed: Vec<String>,
}

impl Round {
    /// Begins a round on an empty screen, when it is one, with what was changed.
    fn open(&self, session: &mut Session) {
        if session.format == Format::Human && io::stderr().is_terminal() && !self.changed.is_empty() {
            session.err.raw(CLEAR);
        }
        if let Some(text) = heading(&self.changed) {
            session.remark(&text);
        }
    }
}

/// Names what was changed, as far as it fits a line.
fn heading(changed: &[String]) -> Option<String> {
    const NAMED: usize = 3;
    let (named, others) = changed.split_at(NAMED.min(changed.len()));
    let others = match others.len() {
        0 => String::new(),
        count => format!(" and {}", counted(count, "other")),
    };
    (!changed.is_empty()).then(|| format!("changed: {}{others}", named.join(", ")))
}

fn tell(error: &CliError, session: &mut Session) {
    tell_error(error, Some("check"), session.format, &mut session.out, &mut session.err);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_names_what_was_changed() {
        let names = |names: &[&str]| heading(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&[]), None);
        assert_eq!(names(&["a.py"]).as_deref(), Some("changed: a.py"));
        assert_eq!(names(&["a.py", "b.py", "c.py", "d.py", "e.py"]).as_deref(), Some("changed: a.py, b.py, c.py and 2 others"));
    }
}
