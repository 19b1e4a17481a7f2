//! Watching what serves: verdicts, incidents, and what people are told of them.
//!
//! `verdict`, `incident` and `notice` are pure; `scheduler` decides when a probe is due, `probes` makes it, `webhook` tells it.
//! Knows no database and no notification daemon.

pub mod incident;
pub mod notice;
pub mod probes;
pub mod scheduler;
pub mod verdict;
pub mod webhook;

use crate::model::SampleOutcome;

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it was begun, milliseconds since 1970.
    pub at: i64,
    /// What it found.
    pub outcome: SampleOutcome,
    /// Microseconds that it took.
    pub took: u64,
    /// What was found, in words; empty when it passed.
    pub finding: String,
}
