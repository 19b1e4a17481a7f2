//! The one sentence at the end of a run that did what was asked.

use nonevent_engine::model::GateState;
use nonevent_engine::request::{Done, Outcome};

use super::Narrator;
use crate::words;

/// Returns the sentence, with the time that the run took.
pub fn sentence(outcome: &Outcome, narrator: &Narrator) -> String {
    let project = narrator.project().map_or("the project", |project| project.as_str());
    let environment = outcome.environment.as_ref().map_or("the environment", |environment| environment.as_str());
    let release = outcome.release.as_ref().map(|release| format!(" {release}")).unwrap_or_default();
    // An app without a web process serves nobody; it runs.
    let (serves, at) = match &outcome.url {
        Some(url) => (format!("serves {environment}"), format!(" at {url}")),
        None => (format!("runs in {environment}"), String::new()),
    };
    let took = narrator.took().map(|took| format!(" ({})", words::duration(took))).unwrap_or_default();
    match outcome.done {
        Done::Switched => format!("{project}{release} {serves}{at}{took}"),
        Done::Scaled => format!("{project}{release} is scaled and {serves}{at}{took}"),
        Done::Nothing => format!("nothing to do: {project}{release} {serves}{at} already{took}"),
        Done::Checked => format!("{project} is proven{}{took}", gates(narrator)),
        Done::Removed => format!("{environment} of {project} is removed{took}"),
    }
}

/// How many gates ended how, in the order in which the states were met.
fn gates(narrator: &Narrator) -> String {
    let mut counts: Vec<(&GateState, usize)> = Vec::new();
    for gate in narrator.gates() {
        match counts.iter_mut().find(|(state, _)| state.word() == gate.state.word()) {
            Some((_, count)) => *count += 1,
            None => counts.push((&gate.state, 1)),
        }
    }
    match counts.is_empty() {
        true => String::new(),
        false => {
            let told: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {}", state.word())).collect();
            format!(": {}", told.join(", "))
        }
    }
}
