//! What the gauntlet found.

use serde::{Deserialize, Serialize};

use super::RunId;

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
    /// How it differs from earlier runs; none when nothing earlier is remembered.
    #[serde(default)]
    pub compared: Option<Comparison>,
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
    /// Whether the tool could mend it by itself, without changing what the code means.
    #[serde(default)]
    pub fixable: bool,
    /// Whether the gate's run before this one did not have it.
    #[serde(default)]
    pub new: bool,
    /// The code around it, as it was when the gate ran; only the first findings of a gate have it.
    #[serde(default)]
    pub excerpt: Option<Excerpt>,
}

impl Finding {
    /// A finding about a file, of which nothing more is known.
    pub fn new(file: String, level: Level, message: String) -> Self {
        Self { file, line: None, column: None, rule: None, url: None, level, message, fixable: false, new: false, excerpt: None }
    }
}

/// Lines of a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Excerpt {
    /// The number of its first line, from 1.
    pub first: u32,
    /// The lines, without their ends.
    pub lines: Vec<String>,
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
    /// Each that did not pass; those that the gate's run before this one did not have come first.
    pub failures: Vec<TestOutcome>,
    /// Each that failed at first and passed when it was run again. They count as passed.
    #[serde(default)]
    pub flaky: Vec<TestOutcome>,
    /// The slowest, the slowest first; at most ten, none below a tenth of a second.
    #[serde(default)]
    pub slowest: Vec<TestResult>,
    /// What they covered, when that was measured.
    #[serde(default)]
    pub coverage: Option<Coverage>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum TestState {
    /// It passed.
    Passed,
    /// It failed.
    #[default]
    Failed,
    /// It broke before or after its body.
    Error,
    /// It was skipped, or failed as it was expected to.
    Skipped,
    /// It failed at first and passed when it was run again.
    Flaky,
}

impl TestState {
    /// Returns the state's name as it is written in JSON and shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Flaky => "flaky",
        }
    }
}

/// One test that did not pass, or not at once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TestOutcome {
    /// Its node id, such as `tests/test_shop.py::test_total`.
    pub id: String,
    /// How it ended.
    #[serde(default)]
    pub state: TestState,
    /// The file, relative to the project.
    pub file: Option<String>,
    /// The line of the failure, from 1.
    pub line: Option<u32>,
    /// The failure in one line.
    pub message: String,
    /// The failure with its source lines.
    pub text: String,
    /// What it printed and logged.
    #[serde(default)]
    pub output: String,
    /// Seconds it took.
    pub duration_s: f64,
    /// Whether the gate's run before this one did not have this failure.
    #[serde(default)]
    pub new: bool,
    /// The code around the failure, when `text` does not show it.
    #[serde(default)]
    pub excerpt: Option<Excerpt>,
}

/// One test, whatever became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TestResult {
    /// Its node id.
    pub id: String,
    /// How it ended.
    pub state: TestState,
    /// Seconds it took.
    pub duration_s: f64,
}

/// What tests covered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Coverage {
    /// Statements that ran; branches, too, where they are measured.
    pub covered: u32,
    /// Statements that could have run.
    pub total: u32,
    /// Each file, the least covered first.
    pub files: Vec<FileCoverage>,
}

impl Coverage {
    /// Returns how much is covered, in percent; 100 when there is nothing to cover.
    pub fn percent(&self) -> f64 {
        match self.total {
            0 => 100.0,
            total => f64::from(self.covered) * 100.0 / f64::from(total),
        }
    }
}

/// What tests covered of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct FileCoverage {
    /// The file, relative to the project.
    pub file: String,
    /// Statements that ran.
    pub covered: u32,
    /// Statements that could have run.
    pub total: u32,
}

/// How what a gate found differs from what it found earlier.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Comparison {
    /// The gate's run before this one.
    pub before: Option<RunMark>,
    /// Findings and failing tests that the run before did not have.
    pub new: u32,
    /// Findings and failing tests of the run before that are gone.
    pub mended: u32,
    /// The last run in which the gate was green.
    pub green: Option<RunMark>,
    /// Tests that passed then and do not pass now.
    pub broken: u32,
    /// Tests that there were none of then.
    pub added: u32,
    /// Tests of then that there are none of now.
    pub removed: u32,
    /// Milliseconds that the gate took then.
    pub duration_ms: Option<u64>,
    /// What was covered then, without files.
    pub coverage: Option<Coverage>,
}

/// A gate's run that is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunMark {
    /// The run.
    pub run: RunId,
    /// When the gate ended in it, RFC 3339.
    pub at: String,
}

/// What the gates of one run found, as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RunResults {
    /// The run.
    pub run: super::RunRecord,
    /// Its gates, in the order in which they are shown.
    pub gates: Vec<GateReport>,
}

/// One test in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct TestPast {
    /// The run.
    pub run: RunId,
    /// The gate.
    pub gate: GateName,
    /// When the gate ended, RFC 3339.
    pub at: String,
    /// The test.
    pub test: TestResult,
    /// The failure in one line, when it did not pass.
    pub message: Option<String>,
}
