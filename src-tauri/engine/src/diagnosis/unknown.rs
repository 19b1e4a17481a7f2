//! What can be said when the cause is not known.

use super::case::{Case, Situation};
use super::ports::is_progressing;
use super::words::brief;
use crate::model::Framework;

/// Last lines that are shown.
const LINES: usize = 10;

/// Says that the cause is not known, and in which situation the instance is.
pub(super) fn summary(case: &Case<'_>) -> String {
    let examined = &case.symptoms.examined;
    let what = match case.situation {
        Situation::Ended => match examined.exit {
            Some(exit) => format!("it ended with exit code {}, and its last lines do not tell why", exit.exit_code),
            None => "it ended, and its last lines do not tell why".to_owned(),
        },
        Situation::Silent => silent(case),
        Situation::Answers(status @ 500..)
            if case.symptoms.framework == Some(Framework::Django) && case.log.tracebacks.is_empty() =>
        {
            format!(
                "it answers {status} and prints no traceback; without DEBUG Django prints one only where LOGGING has a handler for the console"
            )
        }
        Situation::Answers(status) => format!("it answers {status}, and does not say why"),
        Situation::Runs => "it runs, and its probe did not pass often enough in a row".to_owned(),
    };
    format!("the cause is not known: {what}")
}

fn silent(case: &Case<'_>) -> String {
    let examined = &case.symptoms.examined;
    let error = case.last_error().unwrap_or("no answer");
    match (&examined.sockets, examined.port) {
        (Some(sockets), _) if sockets.is_empty() => {
            let prints = if examined.lines.is_empty() { ", and has printed nothing" } else { "" };
            let works = if is_progressing(case) { "" } else { " and seems to wait for something" };
            format!("it runs{works}, but listens on no port{prints}")
        }
        (Some(sockets), Some(port)) if sockets.iter().any(|socket| socket.port == port) => {
            format!("it accepts connections on port {port}, but the probe failed ({error})")
        }
        _ => format!("it runs, but the probe failed ({error})"),
    }
}

/// Returns what was seen.
pub(super) fn evidence(case: &Case<'_>) -> Vec<String> {
    let examined = &case.symptoms.examined;
    let mut lines: Vec<String> = case.probe_line().into_iter().collect();
    lines.extend(examined.exit.map(|exit| format!("exit code {}", exit.exit_code)));
    if examined.restarts > 0 {
        lines.push(format!("restarted {} times", examined.restarts));
    }
    match &examined.sockets {
        Some(sockets) if sockets.is_empty() => lines.push("it listens on no port".to_owned()),
        Some(sockets) => {
            let told = |socket: &crate::target::Listener| std::net::SocketAddr::new(socket.address, socket.port).to_string();
            lines.push(format!("it listens on {}", sockets.iter().map(told).collect::<Vec<_>>().join(", ")));
        }
        None => {}
    }
    let last = case.log.lines.iter().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
    lines.extend(last.iter().skip(last.len().saturating_sub(LINES)).map(|line| brief(line)));
    lines
}
