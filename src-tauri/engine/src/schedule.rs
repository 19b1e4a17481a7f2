//! When jobs are due. Pure: whoever asks says what time it is.

use std::str::FromStr;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A schedule as crontab(5) writes it: minute, hour, day, month, weekday; with seconds in front where there are six fields.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The times cannot be read.
    #[error("`{text}` is no schedule: {reason}")]
    Times {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The time zone is not known.
    #[error("`{name}` is no time zone that is known here")]
    Zone {
        /// What was written.
        name: String,
    },
}

impl ScheduleError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Times { .. } => Some("write minute, hour, day, month and weekday, such as `*/5 * * * *`".into()),
            Self::Zone { .. } => Some("write a name such as `Europe/Berlin`, or `UTC`".into()),
        }
    }
}

impl Schedule {
    /// Reads a schedule and its time zone, by its name in the IANA database.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(text: &str, zone: &str) -> Result<Self, ScheduleError> {
        let cron =
            Cron::from_str(text).map_err(|error| ScheduleError::Times { text: text.to_owned(), reason: error.to_string() })?;
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone { name: zone.to_owned() })?;
        Ok(Self { cron, zone })
    }

    /// Returns the first time after one at which the job is due; none when there is none.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&after.to_zoned(self.zone.clone()), false).ok()?;
        Some(found.timestamp()).filter(|next| *next > after)
    }

    /// Returns the last time at which the job was due, after one and not after another: however often it was missed, that is one.
    pub fn due(&self, after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let first = self.next(after).filter(|first| *first <= now)?;
        let last = self.cron.find_previous_occurrence(&now.to_zoned(self.zone.clone()), true).ok();
        Some(last.map_or(first, |last| last.timestamp()).max(first))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn missed_times_are_one() {
        let schedule = Schedule::read("*/5 * * * *", "UTC").unwrap();
        let seen = at("2026-11-23T10:02:00Z");
        assert_eq!(schedule.next(seen), Some(at("2026-11-23T10:05:00Z")));
        assert_eq!(schedule.due(seen, at("2026-11-23T10:04:59Z")), None);
        assert_eq!(schedule.due(seen, at("2026-11-23T10:05:00Z")), Some(at("2026-11-23T10:05:00Z")));
        assert_eq!(schedule.due(seen, at("2026-11-25T09:58:30Z")), Some(at("2026-11-25T09:55:00Z")));
        assert_eq!(schedule.due(at("2026-11-25T09:58:30Z"), at("2026-11-25T09:59:00Z")), None, "it was answered");
    }

    #[test]
    fn a_schedule_has_its_own_clock() {
        let berlin = Schedule::read("30 3 * * *", "Europe/Berlin").unwrap();
        assert_eq!(berlin.next(at("2026-07-01T00:00:00Z")), Some(at("2026-07-01T01:30:00Z")));
        assert_eq!(berlin.next(at("2026-12-01T00:00:00Z")), Some(at("2026-12-01T02:30:00Z")));
    }

    #[test]
    fn seconds_may_stand_in_front() {
        let schedule = Schedule::read("*/2 * * * * *", "UTC").unwrap();
        assert_eq!(schedule.next(at("2026-11-23T10:00:01Z")), Some(at("2026-11-23T10:00:02Z")));
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        for text in ["", "every day", "61 * * * *", "* * * *", "* * * * * * * *"] {
            let error = Schedule::read(text, "UTC").unwrap_err();
            assert!(matches!(error, ScheduleError::Times { .. }), "{text}: {error}");
        }
        assert!(matches!(Schedule::read("@daily", "Mars/Olympus"), Err(ScheduleError::Zone { .. })));
    }
}
