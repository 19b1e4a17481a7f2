//! What instances printed, as records.

use serde::{Deserialize, Serialize};

use super::{LogStream, ProcessName, ReleaseId};

/// How grave a record says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For whoever looks for a mistake.
    Debug,
    /// What went as it should.
    Info,
    /// What may become a failure.
    Warning,
    /// A failure.
    Error,
    /// The app cannot go on.
    Critical,
}

impl LogLevel {
    /// Returns its name as people read and write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// One named value of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogField {
    /// Its name.
    pub name: String,
    /// Its value: a text as it is, anything else as JSON.
    pub value: String,
}

/// One frame of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogFrame {
    /// The file, as Python named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The function; none where the code could not be compiled.
    pub function: Option<String>,
    /// Whether it is the project's own code, rather than a package's or Python's.
    pub own: bool,
}

/// An exception that a record tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogException {
    /// Its type with its module, such as `django.db.utils.OperationalError`.
    pub kind: String,
    /// Its message.
    pub message: String,
    /// Its frames, the outermost first; those of the exceptions that led to it come before.
    pub frames: Vec<LogFrame>,
    /// The same for exceptions of the same types that took the same way through the project's own code.
    pub fingerprint: String,
}

/// One thing that an instance told, in one line or in several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogRecord {
    /// Its place among the records of its environment, for reading on; none of one that is not kept.
    pub place: Option<String>,
    /// When the engine saw its first line, RFC 3339 with nanoseconds.
    pub at: String,
    /// How grave it says it is; none where it does not say.
    pub level: Option<LogLevel>,
    /// What it says.
    pub message: String,
    /// Who says it.
    pub logger: Option<String>,
    /// Everything else that it says, in its order.
    pub fields: Vec<LogField>,
    /// The name of the instance.
    pub instance: String,
    /// Its process.
    pub process: ProcessName,
    /// Its release.
    pub release: ReleaseId,
    /// Where it came from.
    pub stream: LogStream,
    /// The exception that it tells of.
    pub exception: Option<LogException>,
    /// Its lines as they were printed, without the values of secrets.
    pub text: String,
}

/// How far what is kept reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogReach {
    /// The oldest record that is kept, RFC 3339.
    pub first: Option<String>,
    /// The newest one.
    pub last: Option<String>,
    /// Why what was printed later could not be read, when it could not.
    pub behind: Option<String>,
}

/// Some records, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogPage {
    /// The records.
    pub records: Vec<LogRecord>,
    /// What to ask for to read on; none when there is no more.
    pub next: Option<String>,
    /// How far all that is kept reaches.
    pub reach: LogReach,
}

/// Every time that one exception was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ExceptionGroup {
    /// What the exceptions have in common.
    pub fingerprint: String,
    /// Their type.
    pub kind: String,
    /// The message of the last one.
    pub message: String,
    /// How often.
    pub count: u64,
    /// The first time, RFC 3339.
    pub first_at: String,
    /// The last time.
    pub last_at: String,
    /// The releases that told it, the first one first.
    pub releases: Vec<ReleaseId>,
    /// Whether the newest release that was heard of is the first one that told it.
    pub is_new: bool,
    /// Frames of the last one.
    pub frames: Vec<LogFrame>,
    /// The last one as it was printed.
    pub example: String,
}
