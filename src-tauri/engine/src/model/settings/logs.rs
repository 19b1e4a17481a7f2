//! How what instances print is kept, and when people are told of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What becomes of what instances print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LogSettings {
    /// Bytes that may be kept; the oldest go first.
    pub keep_bytes: u64,
    /// Whether people are told of exceptions that were never told before.
    pub new_exceptions: bool,
    /// How many failures people are told of.
    pub errors: Option<ErrorPace>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { keep_bytes: 512_000_000, new_exceptions: true, errors: None }
    }
}

/// So many failures in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ErrorPace {
    /// Records of the level error or critical.
    pub count: u32,
    /// The time.
    pub within: Duration,
}
