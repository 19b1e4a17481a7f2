//! How an environment moves, and when a new release counts as worse than the old one.

use serde::{Deserialize, Serialize};

/// How an environment moves from one release to another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Strategy {
    /// All new instances start beside the old ones, and traffic moves at once.
    #[default]
    BlueGreen,
    /// New instances take the place of old ones batch by batch.
    Rolling {
        /// How many at a time.
        batch: Batch,
    },
    /// All new instances start beside the old ones and get a growing share of the requests.
    Canary {
        /// Percent of the requests, rising, each from 1 to 99.
        steps: Vec<u8>,
    },
}

impl Strategy {
    /// The steps of a canary that says nothing else.
    pub const STEPS: [u8; 3] = [5, 25, 50];

    /// Returns its name as the configuration has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::BlueGreen => "blue-green",
            Self::Rolling { .. } => "rolling",
            Self::Canary { .. } => "canary",
        }
    }
}

/// How many instances are replaced at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Batch {
    /// So many, at least 1.
    Instances(u16),
    /// So many percent of those that are wanted, from 1 to 100; rounded up.
    Percent(u8),
}

impl Batch {
    /// Returns how many of `wanted` instances that is: at least one.
    pub fn of(self, wanted: u16) -> u16 {
        match self {
            Self::Instances(count) => count.max(1),
            Self::Percent(percent) => {
                let count = (u32::from(wanted) * u32::from(percent)).div_ceil(100);
                u16::try_from(count).unwrap_or(u16::MAX).max(1)
            }
        }
    }
}

/// How much worse a new release may be than the old one before traffic goes back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Tolerance {
    /// Percentage points by which its share of 5xx answers may be higher.
    pub errors: f64,
    /// How many times as long its p95 may be; a difference below [`Tolerance::NOISE_MS`] never counts.
    pub latency: f64,
    /// Restarts beyond those that the old one's own pace makes likely.
    pub restarts: u32,
    /// Requests that a side must have answered before its figures count.
    pub requests: u32,
}

impl Tolerance {
    /// Milliseconds of p95 below which a difference is noise.
    pub const NOISE_MS: u64 = 50;
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { errors: 5.0, latency: 2.0, restarts: 0, requests: 50 }
    }
}

/// What one side of an environment did in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Figures {
    /// Requests that it answered, or failed to.
    pub requests: u64,
    /// Those of them that ended with 5xx.
    pub errors: u64,
    /// Milliseconds within which 95 of 100 answers began.
    pub p95_ms: Option<u64>,
    /// How often the engine restarted its instances.
    pub restarts: u32,
}

impl Figures {
    /// Returns the share of 5xx answers in percent.
    #[allow(clippy::cast_precision_loss)]
    pub fn error_percent(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.errors as f64 * 100.0 / self.requests as f64 }
    }
}

/// A new release beside the old one, while both were warm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Verdict {
    /// The new one, since requests reach it.
    pub new: Figures,
    /// The old one: before the switch, and as long as it got requests beside the new one.
    pub old: Figures,
    /// Why the new one is worse, in one sentence; none when it is not, or it cannot be told.
    pub worse: Option<String>,
}
