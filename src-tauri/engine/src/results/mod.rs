//! What gates found, in formats that other programs read. Pure: reports in, text out.

mod junit;
mod sarif;

pub(crate) use junit::junit;
pub(crate) use sarif::sarif;

use crate::model::GateState;

/// The name under which tools are told apart from others of other programs.
const OURS: &str = "nonevent";

/// Why a gate says nothing about the code, when it does not.
fn reason(state: &GateState) -> Option<&str> {
    match state {
        GateState::Error { reason } | GateState::Skipped { reason } => Some(reason),
        GateState::NotSetUp => Some("the project configures no such tool"),
        GateState::Green | GateState::Red | GateState::Cached { .. } => None,
    }
}
