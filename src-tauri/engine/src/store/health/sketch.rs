//! The values of a bucket, so that percentiles of any union of buckets can be told: an HDR histogram with two significant digits.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use crate::store::StoreError;

/// Two digits: a percentile is known to within a hundredth.
const DIGITS: u8 = 2;

/// A mergeable sketch of values.
pub(super) struct Sketch(Histogram<u64>);

impl Sketch {
    pub fn new() -> Result<Self, StoreError> {
        Ok(Self(Histogram::new(DIGITS).map_err(wrong)?))
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(mut bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes.is_empty() {
            true => Self::new(),
            false => {
                let mut values: Histogram<u64> = Deserializer::new().deserialize(&mut bytes).map_err(wrong)?;
                values.auto(true);
                Ok(Self(values))
            }
        }
    }

    pub fn record(&mut self, value: u64) {
        // It grows with what it holds; what no histogram can hold counts as the greatest that this one can.
        if self.0.record(value).is_err() {
            self.0.saturating_record(value);
        }
    }

    pub fn add(&mut self, other: &Self) -> Result<(), StoreError> {
        self.0.add(&other.0).map_err(wrong)
    }

    pub fn write(&self) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        if !self.0.is_empty() {
            V2Serializer::new().serialize(&self.0, &mut bytes).map_err(wrong)?;
        }
        Ok(bytes)
    }

    /// Returns the value that so many of a hundred do not exceed; 0 of nothing.
    pub fn percentile(&self, percent: f64) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.value_at_percentile(percent) }
    }
}

fn wrong(error: impl std::fmt::Display) -> StoreError {
    StoreError::Shape { reason: format!("a sketch: {error}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merged_and_written_they_are_as_if_recorded_at_once(
            one in prop::collection::vec(0_u64..100_000_000_000, 0..50),
            two in prop::collection::vec(0_u64..100_000_000_000, 0..50),
        ) {
            let sketch = |values: &[u64]| {
                let mut sketch = Sketch::new().unwrap();
                values.iter().for_each(|value| sketch.record(*value));
                Sketch::read(&sketch.write().unwrap()).unwrap()
            };
            let mut merged = sketch(&one);
            merged.add(&sketch(&two)).unwrap();
            let both: Vec<u64> = one.into_iter().chain(two).collect();
            for percent in [50.0, 95.0, 99.0] {
                prop_assert_eq!(merged.percentile(percent), sketch(&both).percentile(percent));
            }
        }
    }

    #[test]
    fn what_is_no_sketch_is_refused() {
        assert!(Sketch::read(b"a letter").is_err());
    }
}
