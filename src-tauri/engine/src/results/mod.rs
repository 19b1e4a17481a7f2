//! What gates found, in formats that other programs read. Pure: reports in, text out.

mod junit;
mod sarif;

pub(crate) use junit::junit;
pub(crate) use sarif::sarif;

use crate::model::GateState;

/// The name under which tools are told apart from others of other programs.
const OURS: &str = "nonevent";

/// What a run that failed before its gates says: an empty report would read as if all were well.
const NO_GATE: &str = "the run failed before any gate had ended; its output says why";

/// Why a gate says nothing about the code, when it does not.
fn reason(state: &GateState) -> Option<&str> {
    match state {
        GateState::Error { reason } | GateState::Skipped { reason } => Some(reason),
        GateState::NotSetUp => Some("the project configures no such tool"),
        GateState::Green | GateState::Red | GateState::Cached { .. } => None,
    }
}
