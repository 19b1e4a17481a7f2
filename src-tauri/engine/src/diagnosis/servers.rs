//! What servers do to their own workers.

use super::case::{Case, Situation};
use super::words::brief;
use crate::model::{Cause, Certainty, Moment, Suspect};

/// gunicorn ends a worker that has not given a sign of life for its `--timeout`, while it loads the app or while it answers.
pub(super) fn suspects(case: &Case<'_>) -> Vec<Suspect> {
    // An app that answers was only slow once.
    if case.situation != Situation::Silent && case.situation != Situation::Ended || case.crash().is_some() {
        return Vec::new();
    }
    let timeouts: Vec<&String> = case.log.lines.iter().filter(|line| line.contains("[CRITICAL] WORKER TIMEOUT (pid:")).collect();
    let Some(last) = timeouts.last() else { return Vec::new() };
    // A worker that was loaded is ended once a request; one that never gets so far is ended as often as it is started.
    let boots = case.log.lines.iter().filter(|line| line.contains("Booting worker with pid")).count();
    let asked = case.log.lines.iter().any(|line| line.contains("Error handling request") || line.contains("\"GET "));
    let during = if asked || timeouts.len() + 1 < boots { Moment::Request } else { Moment::Start };
    let certainty = if timeouts.len() > 1 { Certainty::Certain } else { Certainty::Likely };
    let (sentence, fix) = match during {
        Moment::Start => (
            "gunicorn ends its workers before the app is loaded: they are silent for longer than its `--timeout`",
            "give gunicorn a longer `--timeout` in `command`, or load less while the app is imported",
        ),
        Moment::Request => (
            "gunicorn ends its workers while they answer the probe: they take longer than its `--timeout`",
            "let the health path do less, or give gunicorn a longer `--timeout` in `command`",
        ),
    };
    let mut evidence = vec![brief(last)];
    if timeouts.len() > 1 {
        evidence.push(format!("{} workers ended so", timeouts.len()));
    }
    vec![case.suspect(Cause::WorkerTimeout { during }, certainty, sentence.to_owned(), evidence, fix.to_owned())]
}
