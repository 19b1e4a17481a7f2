//! Whether a new release is worse than the old one. Pure.

use std::time::Duration;

use crate::model::{Figures, Tolerance, Verdict};
use crate::target::SideTraffic;

/// What one side did, and for how long it was looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub traffic: SideTraffic,
    pub restarts: u32,
    pub instances: usize,
    pub time: Duration,
}

impl Record {
    fn figures(&self) -> Figures {
        Figures {
            requests: self.traffic.requests,
            errors: self.traffic.errors,
            p95_ms: self.traffic.p95_ms(),
            restarts: self.restarts,
        }
    }
}

/// Compares the new release with the old one.
pub(super) fn compare(new: &Record, old: &Record, tolerance: &Tolerance) -> Verdict {
    let worse = restarts(new, old, tolerance).or_else(|| errors(new, old, tolerance)).or_else(|| latency(new, old, tolerance));
    Verdict { new: new.figures(), old: old.figures(), worse }
}

/// The old release's pace of restarts is its own: as many in as much time are no reason to go back.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn restarts(new: &Record, old: &Record, tolerance: &Tolerance) -> Option<String> {
    let watched = |record: &Record| record.time.as_secs_f64() * record.instances as f64;
    let usual = if watched(old) > 0.0 { f64::from(old.restarts) * watched(new) / watched(old) } else { 0.0 };
    let most = tolerance.restarts.saturating_add(usual.ceil() as u32);
    (new.restarts > most).then(|| {
        let times = if new.restarts == 1 { "once".to_owned() } else { format!("{} times", new.restarts) };
        format!("its instances were restarted {times} since they were healthy")
    })
}

/// Errors are wrong in themselves: an old release that got too few requests to be judged counts as one without any.
fn errors(new: &Record, old: &Record, tolerance: &Tolerance) -> Option<String> {
    if !new.traffic.is_enough(tolerance) {
        return None;
    }
    let known = old.traffic.is_enough(tolerance);
    let (now, before) = (new.figures().error_percent(), if known { old.figures().error_percent() } else { 0.0 });
    (now > before + tolerance.errors).then(|| {
        let beside = if known { format!(", of the old release's {before:.1} %") } else { String::new() };
        format!("{now:.1} % of its {} requests ended with 5xx{beside}", new.traffic.requests)
    })
}

/// A time is long only beside another one.
#[allow(clippy::cast_precision_loss)]
fn latency(new: &Record, old: &Record, tolerance: &Tolerance) -> Option<String> {
    if !new.traffic.is_enough(tolerance) || !old.traffic.is_enough(tolerance) {
        return None;
    }
    let (now, before) = (new.traffic.p95_ms()?, old.traffic.p95_ms()?);
    let slower = now as f64 > before as f64 * tolerance.latency && now.saturating_sub(before) > Tolerance::NOISE_MS;
    slower.then(|| format!("its p95 is {now} ms, the old release's was {before} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(requests: u64, errors: u64, milliseconds: u64) -> Record {
        let mut traffic = SideTraffic::default();
        for number in 0..requests {
            traffic.count(if number < errors { 500 } else { 200 }, Some(milliseconds));
        }
        Record { traffic, restarts: 0, instances: 2, time: Duration::from_secs(60) }
    }

    fn worse(new: &Record, old: &Record) -> Option<String> {
        compare(new, old, &Tolerance::default()).worse
    }

    #[test]
    fn as_good_as_before_is_good_enough() {
        assert_eq!(worse(&side(1000, 3, 20), &side(5000, 10, 21)), None);
        assert_eq!(worse(&side(0, 0, 0), &side(5000, 10, 21)), None);
    }

    #[test]
    fn few_requests_prove_nothing() {
        assert_eq!(worse(&side(49, 49, 9000), &side(5000, 0, 20)), None);
        assert!(worse(&side(50, 50, 9000), &side(5000, 0, 20)).is_some());
    }

    #[test]
    fn errors_beyond_those_of_the_old_release_are_worse() {
        assert_eq!(
            worse(&side(200, 20, 20), &side(1000, 10, 20)).as_deref(),
            Some("10.0 % of its 200 requests ended with 5xx, of the old release's 1.0 %")
        );
        assert_eq!(worse(&side(200, 20, 20), &side(1000, 80, 20)), None, "the old one fails as often");
        assert_eq!(worse(&side(200, 20, 20), &side(0, 0, 0)).as_deref(), Some("10.0 % of its 200 requests ended with 5xx"));
    }

    #[test]
    fn a_longer_p95_is_worse_beside_a_known_one_and_beyond_noise() {
        let found = worse(&side(200, 0, 500), &side(200, 0, 100));
        assert!(found.as_deref().is_some_and(|found| found.starts_with("its p95 is 5")), "{found:?}");
        assert_eq!(worse(&side(200, 0, 30), &side(200, 0, 2)), None, "noise");
        assert_eq!(worse(&side(200, 0, 500), &side(20, 0, 100)), None, "nothing to compare with");
    }

    #[test]
    fn restarts_count_beyond_the_old_pace() {
        let restarted = |restarts| Record { restarts, ..side(0, 0, 0) };
        assert!(worse(&restarted(1), &restarted(0)).is_some());
        assert_eq!(worse(&restarted(2), &restarted(2)), None);
        assert!(worse(&restarted(3), &restarted(2)).is_some());
    }
}
