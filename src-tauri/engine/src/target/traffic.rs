//! What requests met in some time, by side: added up as it is read, so that any length of it costs the same to keep. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{RolloutId, Tolerance};

/// From when on requests are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// After an earlier reading's [`Traffic::until`].
    After(String),
}

/// The requests of some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Those of each side, by the rollout that staged it.
    pub sides: BTreeMap<RolloutId, SideTraffic>,
    /// Where the next reading goes on, RFC 3339 by the engine's clock.
    pub until: String,
}

/// The requests of one side in some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SideTraffic {
    /// How many there were.
    pub requests: u64,
    /// How many ended with 5xx.
    pub errors: u64,
    /// Times to the first byte of an answer, counted by bucket.
    buckets: BTreeMap<u32, u64>,
}

/// Each bucket ends so many times as far as the one before: a percentile is known to within a tenth.
const GROWTH: f64 = 1.1;

impl SideTraffic {
    /// Counts one request: its status, and after how many milliseconds its answer began, if it did.
    pub fn count(&mut self, status: u16, answered_ms: Option<u64>) {
        self.requests += 1;
        self.errors += u64::from(status >= 500);
        if let Some(milliseconds) = answered_ms {
            *self.buckets.entry(bucket(milliseconds)).or_default() += 1;
        }
    }

    /// Adds the requests of another time.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    /// Returns the milliseconds within which 95 of 100 answers began; none when there was no answer.
    pub fn p95_ms(&self) -> Option<u64> {
        let all: u64 = self.buckets.values().sum();
        let rank = (all * 95).div_ceil(100);
        let mut seen = 0;
        self.buckets.iter().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then(|| end(*bucket))
        })
    }

    /// Tells whether there were enough for figures to mean something.
    pub fn is_enough(&self, tolerance: &Tolerance) -> bool {
        self.requests >= u64::from(tolerance.requests)
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bucket(milliseconds: u64) -> u32 {
    ((milliseconds.max(1) as f64).ln() / GROWTH.ln()).ceil() as u32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn end(bucket: u32) -> u64 {
    GROWTH.powf(f64::from(bucket)).round() as u64
}

/// What an engine has left, and what instances use of it. What cannot be found out is none, or is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Room {
    /// Bytes of memory that programs could still take.
    pub memory_free: Option<u64>,
    /// Bytes that could still be written where the engine keeps its data.
    pub disk_free: Option<u64>,
    /// Bytes of memory that instances use now, files in memory that may be dropped not counted.
    pub used: BTreeMap<crate::model::InstanceId, u64>,
    /// Nanoseconds of processor time that instances took since they started.
    pub processor: BTreeMap<crate::model::InstanceId, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_known_to_within_a_tenth() {
        let mut traffic = SideTraffic::default();
        assert_eq!(traffic.p95_ms(), None);
        for milliseconds in 1..=1000 {
            traffic.count(200, Some(milliseconds));
        }
        let p95 = traffic.p95_ms().unwrap_or_default();
        assert!((950..=1045).contains(&p95), "{p95}");
    }

    #[test]
    fn what_is_added_up_is_as_if_it_had_been_counted_at_once() {
        let (mut one, mut two, mut both) = (SideTraffic::default(), SideTraffic::default(), SideTraffic::default());
        for (status, answered) in [(200, Some(3)), (502, None), (503, Some(0)), (404, Some(90_000))] {
            one.count(status, answered);
            both.count(status, answered);
            two.count(status, answered);
            both.count(status, answered);
        }
        one.add(&two);
        assert_eq!(one, both);
        assert_eq!((one.requests, one.errors), (8, 4));
    }
}
