//! Where it listens, or does not listen yet.

use std::time::Duration;

use super::case::{Case, Crash, Situation};
use super::log::{between, is_epilogue};
use super::traceback::Link;
use super::words::{brief, shown};
use crate::model::{Cause, Certainty, InstanceState, Suspect};
use crate::target::Listener;

/// Thousandths of a core that mean work.
const WORKING: u32 = 200;

pub(super) fn suspects(case: &Case<'_>) -> Vec<Suspect> {
    let mut found = Vec::new();
    found.extend(taken(case));
    if case.situation == Situation::Silent {
        found.extend(elsewhere(case));
        found.extend(slow(case));
    }
    found
}

fn elsewhere(case: &Case<'_>) -> Option<Suspect> {
    let examined = &case.symptoms.examined;
    let (expected, sockets) = (examined.port?, examined.sockets.as_ref()?);
    let (here, there): (Vec<&Listener>, Vec<&Listener>) = sockets.iter().partition(|socket| socket.port == expected);
    if here.iter().any(|socket| !socket.address.is_loopback()) {
        return None;
    }
    let told = |sockets: &[&Listener]| {
        sockets
            .iter()
            .map(|socket| format!("it listens on {}", std::net::SocketAddr::new(socket.address, socket.port)))
            .collect::<Vec<_>>()
    };
    if let Some(socket) = here.first() {
        let address = socket.address.to_string();
        let sentence = format!("the app listens on {address} only, which nothing outside its container reaches");
        let fix =
            format!("let it listen on 0.0.0.0: `--bind 0.0.0.0:{expected}` (gunicorn), `--host 0.0.0.0` (uvicorn) in `command`");
        let cause = Cause::BoundToLoopback { address, port: expected };
        return Some(case.suspect(cause, Certainty::Certain, sentence, evidence(case, told(&here)), fix));
    }
    if there.is_empty() {
        return None;
    }
    let mut listening: Vec<u16> = there.iter().map(|socket| socket.port).collect();
    listening.dedup();
    let ports = listening.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    // Something else, such as figures for a monitor, may listen before the app does.
    let exposed = listening.iter().any(|port| examined.exposed.contains(port));
    let certainty = if is_progressing(case) && !exposed { Certainty::Likely } else { Certainty::Certain };
    let only = if there.iter().all(|socket| socket.address.is_loopback()) { " of its container only" } else { "" };
    let sentence = format!("the app listens on port {ports}{only}, and requests go to port {expected}");
    let first = listening.first().copied().unwrap_or_default();
    let fix = format!("let it listen on the port in the variable `PORT`, or set `port = {first}` under `[app]`");
    let cause = Cause::WrongPort { expected, listening };
    Some(case.suspect(cause, certainty, sentence, evidence(case, told(&there)), fix))
}

fn evidence(case: &Case<'_>, mut lines: Vec<String>) -> Vec<String> {
    lines.extend(case.probe_line());
    lines
}

/// Recognises that the address is taken from the exception alone.
pub(super) fn in_use(case: &Case<'_>, crash: &Crash<'_>, link: &Link) -> Option<Suspect> {
    let refused = link.name() == "OSError" && link.headline().starts_with("[Errno 98]");
    refused.then(|| address_in_use(case, crash.certainty, port_in(link.headline()), shown(case, link)))
}

/// Recognises that the address is taken from what servers say without an exception.
fn taken(case: &Case<'_>) -> Option<Suspect> {
    let said =
        |line: &&String| line.contains("Connection in use: ('") || line.contains("error while attempting to bind on address (");
    let at = case.log.lines.iter().rposition(|line| said(&line))?;
    // A server that got it in the end says so.
    let after = case.log.lines.get(at..).unwrap_or_default();
    if after.iter().any(|line| line.contains("Listening at:") || line.contains("Uvicorn running on")) {
        return None;
    }
    let certainty = match case.situation {
        Situation::Ended => Certainty::Certain,
        Situation::Silent | Situation::Answers(_) => Certainty::Likely,
        Situation::Runs => return None,
    };
    let line = case.log.lines.get(at)?;
    Some(address_in_use(case, certainty, port_in(line), vec![brief(line)]))
}

fn address_in_use(case: &Case<'_>, certainty: Certainty, port: Option<u16>, evidence: Vec<String>) -> Suspect {
    let what = port.map_or_else(|| "the address that it wants".to_owned(), |port| format!("port {port}"));
    let sentence = format!("{what} is taken: something in the same container listens there already");
    let fix = "start one server only: look for a second one in `command`, in the entry point, or in what the app starts itself"
        .to_owned();
    case.suspect(Cause::AddressInUse { port }, certainty, sentence, evidence, fix)
}

fn port_in(said: &str) -> Option<u16> {
    between(said, "', ", ")").and_then(|port| port.trim().parse().ok())
}

fn slow(case: &Case<'_>) -> Option<Suspect> {
    let examined = &case.symptoms.examined;
    let port = examined.port.filter(|_| case.symptoms.probe.is_some());
    let listens = examined.sockets.as_ref().is_some_and(|sockets| sockets.iter().any(|socket| Some(socket.port) == port));
    let runs = examined.state == Some(InstanceState::Running) && examined.restarts == 0;
    let dies = case.log.lines.iter().any(|line| line.contains("WORKER TIMEOUT") || line.contains("was sent SIGKILL"));
    if !runs || dies || case.crash().is_some() {
        return None;
    }
    let boots = case.log.lines.last().is_some_and(|line| line.contains("Booting worker with pid"));
    let others = examined.sockets.as_ref().is_some_and(|sockets| sockets.iter().any(|socket| Some(socket.port) != port));
    let certainty = match (is_progressing(case), listens) {
        // What listens and does not answer is as likely busy with the request.
        (true, true) => Certainty::Possible,
        (true, false) if others => Certainty::Possible,
        (true, false) => Certainty::Likely,
        (false, true) if boots => Certainty::Possible,
        (false, _) => return None,
    };
    let seconds = age(case).unwrap_or(case.symptoms.waited).as_secs();
    let mut lines = Vec::new();
    if examined.sockets.as_ref().is_some_and(Vec::is_empty) {
        lines.push(format!("after {seconds} s it listens on no port yet"));
    }
    lines.extend(
        examined
            .busy
            .filter(|busy| *busy >= WORKING)
            .map(|busy| format!("it takes {} % of a processor core right now", busy / 10)),
    );
    lines.extend(case.log.last(|line| !line.trim().is_empty()).map(|line| format!("its last line: {}", brief(line))));
    let more = (case.symptoms.waited.as_secs().max(30) * 3).next_multiple_of(30);
    let sentence = format!("it is still starting after {seconds} s");
    let fix = format!("give it more time: `[health] deadline = \"{more}s\"`, or let it do less at its start");
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    Some(case.suspect(Cause::SlowStart { seconds }, certainty, sentence, lines, fix))
}

/// Returns the time since it was started, by the engine's clock.
fn age(case: &Case<'_>) -> Option<Duration> {
    since(case, case.symptoms.examined.started_at.as_deref()?)
}

fn since(case: &Case<'_>, at: &str) -> Option<Duration> {
    let now: jiff::Timestamp = case.symptoms.examined.examined_at.as_deref()?.parse().ok()?;
    let at: jiff::Timestamp = at.parse().ok()?;
    Duration::try_from(now.duration_since(at)).ok()
}

/// Tells whether it does something: it computes, or goes on printing what it has not printed before.
pub(super) fn is_progressing(case: &Case<'_>) -> bool {
    let examined = &case.symptoms.examined;
    if examined.busy.is_some_and(|busy| busy >= WORKING) {
        return true;
    }
    let mut last = examined.lines.iter().rev().filter(|line| !is_epilogue(&line.text));
    let Some(newest) = last.next() else { return false };
    let fresh = newest.at.as_deref().and_then(|at| since(case, at)).is_some_and(|age| age < Duration::from_secs(5));
    // What a loop says again and again, numbers and times aside, is no progress.
    let words = |text: &str| text.chars().filter(|character| !character.is_ascii_digit()).collect::<String>();
    let parts = last.take(20).collect::<Vec<_>>();
    let counted = |text: &str| text.chars().any(|character| character.is_ascii_digit());
    let repeated = parts.iter().filter(|line| words(&line.text) == words(&newest.text)).count() >= 3 && !counted(&newest.text);
    let young = age(case).is_some_and(|age| age > Duration::from_secs(5)) || !parts.is_empty();
    fresh && !repeated && young
}
