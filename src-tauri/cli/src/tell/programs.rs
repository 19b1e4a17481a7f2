//! Tells programs about a run: each event as it is, one a line, then the result.

use jiff::Timestamp;
use nonevent_engine::Update;
use nonevent_engine::model::RunId;
use nonevent_engine::request::{Done, Outcome};
use serde_json::json;

use super::{Lines, Teller};
use crate::json;
use crate::out::Out;

/// Tells programs about a run.
pub struct JsonTeller {
    out: Out,
    verb: &'static str,
    lines: Lines,
    run: Option<RunId>,
}

impl JsonTeller {
    /// Writes to this stream.
    pub fn new(out: Out, verb: &'static str, lines: Lines) -> Self {
        Self { out, verb, lines, run: None }
    }
}

impl Teller for JsonTeller {
    fn update(&mut self, update: &Update) {
        match update {
            Update::Event(event) => {
                self.run.get_or_insert_with(|| event.run.clone());
                // An event is plain data; it always has a JSON form.
                if let Ok(line) = serde_json::to_string(event) {
                    self.out.line(&line);
                }
            }
            Update::Line(line) if self.lines == Lines::Shown => {
                self.out.line(&json::line(Timestamp::now(), "line", line));
            }
            Update::Line(_) | Update::Progress { .. } => {}
        }
    }

    fn stopping(&mut self) {
        self.out.line(&json::line(Timestamp::now(), "stopping", &json!({})));
    }

    fn close(&mut self) {}

    fn part(&mut self) {}

    fn succeeded(&mut self, outcome: &Outcome) {
        let answer = json!({
            "run": self.run,
            "done": word(outcome.done),
            "environment": outcome.environment,
            "release": outcome.release,
            "url": outcome.url,
        });
        self.out.line(&json::success(Timestamp::now(), self.verb, answer));
    }

    fn evidence(&self) -> Vec<String> {
        Vec::new()
    }
}

fn word(done: Done) -> &'static str {
    match done {
        Done::Switched => "switched",
        Done::Scaled => "scaled",
        Done::Nothing => "nothing",
        Done::Checked => "checked",
        Done::Removed => "removed",
    }
}
