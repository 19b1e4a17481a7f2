//! What the gauntlet found.

use serde::{Deserialize, Serialize};

/// The name of a gate: `lint`, `format`, `types`, `unit`, `integration`, or the project's own.
pub type GateName = String;

/// How a gate ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum GateState {
    /// It found nothing wrong.
    Green,
    /// It found something wrong.
    Red,
    /// It could not tell: its tool crashed, timed out or printed nonsense.
    Error {
        /// What happened.
        reason: String,
    },
    /// It was not run.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It was green before, with the same inputs.
    Cached {
        /// When it ran, RFC 3339.
        at: String,
    },
    /// The project configures no such tool.
    NotSetUp,
}

impl GateState {
    /// Returns the state's name as it is written in JSON and shown to people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Red => "red",
            Self::Error { .. } => "error",
            Self::Skipped { .. } => "skipped",
            Self::Cached { .. } => "cached",
            Self::NotSetUp => "not set up",
        }
    }

    /// Tells whether a release may be made as far as this gate is concerned.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Green | Self::Cached { .. } | Self::NotSetUp | Self::Skipped { .. })
    }
}

/// Everything one gate has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct GateReport {
    /// Its name.
    pub gate: GateName,
    /// How it ended.
    pub state: GateState,
    /// What it ran, as a person would type it.
    pub command: String,
    /// The tool and its version, when known, such as `ruff 0.14.5`.
    pub tool: Option<String>,
    /// Milliseconds it took.
    pub duration_ms: u64,
    /// What it found, by file and line.
    pub findings: Vec<Finding>,
    /// Its tests, when it runs tests.
    pub tests: Option<TestReport>,
    /// The last lines of its output, when no finding says more.
    pub tail: Vec<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It makes the gate red.
    Error,
    /// It does not.
    Warning,
}

/// One finding of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Finding {
    /// The file, relative to the project.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// The rule's code, such as `F401`.
    pub rule: Option<String>,
    /// The rule's documentation.
    pub url: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// What the tool says.
    pub message: String,
}

/// The tests of a gate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TestReport {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that broke before or after their body.
    pub errors: u32,
    /// Tests that were skipped.
    pub skipped: u32,
    /// Each that did not pass.
    pub failures: Vec<TestOutcome>,
}

/// One test that did not pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TestOutcome {
    /// Its node id, such as `tests/test_shop.py::test_total`.
    pub id: String,
    /// The file, relative to the project.
    pub file: Option<String>,
    /// The line of the failure, from 1.
    pub line: Option<u32>,
    /// The failure in one line.
    pub message: String,
    /// The failure with its source lines.
    pub text: String,
    /// Seconds it took.
    pub duration_s: f64,
}
