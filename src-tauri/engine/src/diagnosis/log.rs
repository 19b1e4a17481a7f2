//! The lines that an instance printed in its last life, and the tracebacks among them.

use serde_json::Value;

use super::traceback::{Traceback, tracebacks};
use crate::model::{InstanceState, LogStream};
use crate::target::Examination;

/// Time by which a line may seem to be older than the life that it belongs to.
const LAG: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// What begins every traceback of Python.
pub(super) const TRACEBACK: &str = "Traceback (most recent call last):";

/// The lines of one life of an instance.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Every line, in order.
    pub lines: Vec<String>,
    /// The tracebacks, those of standard error last.
    pub tracebacks: Vec<Traceback>,
}

impl Log {
    /// Takes the lines of the life that matters: the last whole one of an instance that keeps ending, else the present one.
    pub fn of(examined: &Examination) -> Self {
        let started = examined.started_at.as_deref().unwrap_or_default();
        let between_lives = examined.restarts > 0 && examined.state == Some(InstanceState::Running);
        // An engine notes the time of a start a little after the process may have printed.
        let lag = if between_lives { jiff::SignedDuration::ZERO } else { LAG };
        let began = instant(started).and_then(|began| began.checked_sub(lag).ok());
        let of_this_life = |at: &Option<String>| at.as_deref().is_none_or(|at| instant(at) >= began);
        let present: Vec<_> = examined.lines.iter().filter(|line| of_this_life(&line.at)).collect();
        let past: Vec<_> = examined.lines.iter().filter(|line| !of_this_life(&line.at)).collect();
        let chosen = match between_lives && !past.is_empty() {
            true => past,
            // An engine whose times do not fit: better all than none.
            false if present.is_empty() => examined.lines.iter().collect(),
            false => present,
        };
        let of = |stream| {
            let lines = chosen.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str());
            lines.flat_map(unfolded).collect::<Vec<_>>()
        };
        let mut found = tracebacks(&of(LogStream::Stdout));
        found.extend(tracebacks(&of(LogStream::Stderr)));
        Self { lines: chosen.iter().map(|line| line.text.clone()).collect(), tracebacks: found }
    }

    /// Returns the last line that fits.
    pub fn last(&self, fits: impl Fn(&str) -> bool) -> Option<&str> {
        self.lines.iter().rev().map(String::as_str).find(|line| fits(line))
    }

    /// Returns the last line that contains a text.
    pub fn saying(&self, text: &str) -> Option<&str> {
        self.last(|line| line.contains(text))
    }
}

fn instant(at: &str) -> Option<jiff::Timestamp> {
    at.parse().ok()
}

/// Unfolds a line of a structured log whose fields hold a traceback, as structlog and JSON formatters write them.
fn unfolded(line: &str) -> Vec<String> {
    let mut lines = vec![line.to_owned()];
    if line.starts_with('{')
        && line.contains("Traceback")
        && let Ok(Value::Object(fields)) = serde_json::from_str(line)
    {
        let texts = fields.values().filter_map(Value::as_str).filter(|text| text.contains(TRACEBACK));
        lines.extend(texts.flat_map(str::lines).map(str::to_owned));
    }
    lines
}

/// Returns what stands between two texts.
pub(super) fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// Tells whether a line looks like the beginning of a log record: a time, a level, an object.
pub(super) fn is_record(line: &str) -> bool {
    let text = line.trim_start_matches(['[', '\u{1b}']);
    let dated = text.get(..4).is_some_and(|year| year.chars().all(|digit| digit.is_ascii_digit()))
        && text.get(4..5).is_some_and(|separator| matches!(separator, "-" | "/"));
    let levels = ["DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "level=", "time=", "ts="];
    dated || line.starts_with('{') || levels.iter().any(|level| text.starts_with(level))
}

/// Tells whether a line is what servers print while they go, after what made them go.
pub(super) fn is_epilogue(line: &str) -> bool {
    const SAID: [&str; 17] = [
        "Worker exiting (pid",
        "exited with code",
        "Shutting down",
        "Reason: Worker failed to boot",
        "Reason: App failed to load",
        "Control server error",
        "Application startup failed. Exiting",
        "Waiting for child process",
        "failed to start, stopping the parent process",
        "Terminated child process",
        "Stopping parent process",
        "Stopping reloader process",
        "Waiting for application shutdown",
        "Application shutdown complete",
        "Finished server process",
        "Worker failed to boot",
        "Booting worker with pid",
    ];
    line.trim().is_empty() || SAID.iter().any(|said| line.contains(said))
}
