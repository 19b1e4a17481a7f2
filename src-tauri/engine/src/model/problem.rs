//! The one shape in which an error reaches a person or a program.

use serde::{Deserialize, Serialize};

use super::Diagnosis;

/// An error as the window and `--json` show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Problem {
    /// A stable word, where somebody acts on it; else `failed`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// Longer evidence: a probe transcript, the last log lines.
    pub details: Vec<String>,
    /// Why an instance is not healthy, where that is what happened.
    #[serde(default)]
    pub diagnosis: Option<Diagnosis>,
}
