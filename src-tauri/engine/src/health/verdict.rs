//! What the last measurements of one probe mean: a pure state machine over samples.
//!
//! A verdict falls when N of the last M samples failed, recovers when N of the last M passed, and is unknown when nothing was seen: at the
//! start, after a gap in the clock (a laptop that slept makes no outage), and while the observer has no network of its own. A verdict that
//! falls again and again is held down until it is calm: a penalty that each fall adds to and that halves with time (RFC 2439).

use std::collections::VecDeque;
use std::time::Duration;

use super::Sample;
use crate::model::{HealthState, ProbeSettings, SampleOutcome, Threshold};

/// A clock that moved by more than so many intervals beyond the timeout was not watched.
const GAP_INTERVALS: u32 = 3;
/// Shortest time without samples that counts as a gap.
const SHORTEST_GAP: Duration = Duration::from_secs(15);
/// Falls, as far as they are remembered, above which a verdict is held down.
const SUPPRESS: f64 = 2.5;
/// Below it a verdict is let go.
const REUSE: f64 = 1.0;
/// Intervals in which the memory of a fall halves.
const HALF_LIFE: u32 = 30;

/// How a clock moved that was set, or that nobody looked at; milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// From when to when nothing was watched.
    Ahead(i64, i64),
    /// To a time that was already.
    Back(i64),
}

/// The rules of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// When it falls.
    pub fall: Threshold,
    /// When it recovers.
    pub recover: Threshold,
    /// Time between two samples.
    pub interval: Duration,
    /// Time that one may take.
    pub timeout: Duration,
}

impl Rules {
    /// Returns how the clock moved (milliseconds since 1970) where it did otherwise than by the time between two samples.
    pub fn jump(&self, last: i64, now: i64) -> Option<Jump> {
        let usual = (self.interval * GAP_INTERVALS + self.timeout).max(SHORTEST_GAP);
        let usual = i64::try_from(usual.as_millis()).unwrap_or(i64::MAX);
        match now.saturating_sub(last) {
            ..0 => Some(Jump::Back(now)),
            moved if moved > usual => Some(Jump::Ahead(last, now)),
            _ => None,
        }
    }
}

impl From<&ProbeSettings> for Rules {
    fn from(probe: &ProbeSettings) -> Self {
        let ProbeSettings { fall, recover, interval, timeout, .. } = *probe;
        Self { fall, recover, interval, timeout }
    }
}

/// What changed with a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The verdict before.
    pub from: HealthState,
    /// The verdict now.
    pub to: HealthState,
}

/// What a sample brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// The verdict, when it is another one.
    pub change: Option<Change>,
    /// How the clock moved, when it did otherwise than it should.
    pub jump: Option<Jump>,
}

/// The verdict of one probe.
#[derive(Debug, Clone)]
pub struct Verdict {
    rules: Rules,
    window: VecDeque<SampleOutcome>,
    /// The verdict, were it never held down.
    bare: HealthState,
    last: Option<i64>,
    penalty: f64,
    penalty_at: i64,
    held: bool,
}

impl Verdict {
    /// Starts without having seen anything.
    pub fn new(rules: Rules) -> Self {
        Self { rules, window: VecDeque::new(), bare: HealthState::Unknown, last: None, penalty: 0.0, penalty_at: 0, held: false }
    }

    /// Tells whether these are its rules.
    pub fn is_by(&self, rules: Rules) -> bool {
        self.rules == rules
    }

    /// Returns what the samples mean.
    pub fn state(&self) -> HealthState {
        match self.bare {
            HealthState::Healthy if self.held => HealthState::Degraded,
            bare => bare,
        }
    }

    /// Tells whether it would be healthy, had it not fallen so often.
    pub fn is_flapping(&self) -> bool {
        self.held && self.bare == HealthState::Healthy
    }

    /// Takes one more sample.
    pub fn take(&mut self, sample: &Sample) -> Judged {
        let before = self.state();
        let jump = self.last.and_then(|last| self.rules.jump(last, sample.at));
        if jump.is_some() {
            self.forget();
        }
        self.last = Some(sample.at);
        self.decay(sample.at);
        if sample.outcome == SampleOutcome::Unseen {
            self.forget();
        } else {
            if self.window.len() == self.length() {
                self.window.pop_front();
            }
            self.window.push_back(sample.outcome);
            self.judge();
        }
        let after = self.state();
        let change = (after != before).then_some(Change { from: before, to: after });
        Judged { change, jump }
    }

    fn length(&self) -> usize {
        self.rules.fall.of.max(self.rules.recover.of).max(1) as usize
    }

    /// What was before says nothing about what is now.
    fn forget(&mut self) {
        self.window.clear();
        self.bare = HealthState::Unknown;
    }

    fn judge(&mut self) {
        let Rules { fall, recover, .. } = self.rules;
        let bad = self.counted(fall, |outcome| outcome == SampleOutcome::Failed);
        let wrong = self.counted(fall, |outcome| outcome != SampleOutcome::Passed);
        let right = self.counted(recover, |outcome| outcome == SampleOutcome::Passed);
        let alive = self.counted(recover, |outcome| outcome != SampleOutcome::Failed);
        let was_down = self.bare == HealthState::Down;
        let next = match self.window.back() {
            Some(SampleOutcome::Failed) if bad => HealthState::Down,
            Some(SampleOutcome::Failed) if wrong && !was_down => HealthState::Degraded,
            Some(SampleOutcome::Degraded) if !was_down && wrong || was_down && alive => HealthState::Degraded,
            Some(SampleOutcome::Passed) if right => HealthState::Healthy,
            Some(SampleOutcome::Passed) if was_down && alive => HealthState::Degraded,
            _ => self.bare,
        };
        if next != self.bare {
            // What led to one verdict must not count towards the next one as well.
            self.window.clear();
            if self.bare == HealthState::Healthy {
                self.penalty += 1.0;
            }
        }
        self.bare = next;
        self.held = self.penalty > if self.held { REUSE } else { SUPPRESS };
    }

    fn counted(&self, threshold: Threshold, is: impl Fn(SampleOutcome) -> bool) -> bool {
        let last = self.window.iter().rev().take(threshold.of as usize);
        last.filter(|outcome| is(**outcome)).count() >= threshold.count.max(1) as usize
    }

    #[allow(clippy::cast_precision_loss)]
    fn decay(&mut self, now: i64) {
        let half = (self.rules.interval * HALF_LIFE).as_millis().max(1) as f64;
        let passed = now.saturating_sub(self.penalty_at).max(0) as f64;
        self.penalty *= 0.5_f64.powf(passed / half);
        self.penalty_at = now;
    }
}

/// Returns what the verdicts of all probes of an environment mean together: the worst that is known.
pub fn together(states: impl IntoIterator<Item = HealthState>) -> HealthState {
    let rank = |state: &HealthState| match state {
        HealthState::Down => 4,
        HealthState::Degraded => 3,
        HealthState::Unknown => 2,
        HealthState::Healthy => 1,
        HealthState::Empty => 0,
    };
    states.into_iter().max_by_key(rank).unwrap_or(HealthState::Unknown)
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
