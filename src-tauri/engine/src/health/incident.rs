//! When an incident of an environment begins and ends: a pure state machine over its verdict.
//!
//! What is unknown neither begins nor ends one. While a rollout goes on none begins: the rollout judges its new instances itself.

use crate::model::HealthState;

/// Whether a rollout goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// One does, and what it does is no incident.
    InProgress,
    /// None does.
    None,
}

/// What a verdict means for the incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One begins.
    Open(HealthState),
    /// The one that goes on got worse.
    Worse(HealthState),
    /// It ends.
    Close,
}

/// The incident of one environment, as far as there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Course {
    worst: Option<HealthState>,
}

impl Course {
    /// Goes on with an incident that another process had begun.
    pub fn with(worst: Option<HealthState>) -> Self {
        Self { worst }
    }

    /// Tells whether one goes on.
    pub fn is_open(self) -> bool {
        self.worst.is_some()
    }

    /// Tells whether one would begin or get worse, did no rollout go on.
    pub fn would_fall(mut self, state: HealthState) -> bool {
        matches!(self.take(state, Rollout::None), Some(Step::Open(_) | Step::Worse(_)))
    }

    /// Takes the verdict of now.
    pub fn take(&mut self, state: HealthState, rollout: Rollout) -> Option<Step> {
        let step = match (self.worst, state) {
            (None, HealthState::Down | HealthState::Degraded) if rollout == Rollout::None => Step::Open(state),
            (Some(HealthState::Degraded), HealthState::Down) if rollout == Rollout::None => Step::Worse(state),
            // What was removed is no longer ill.
            (Some(_), HealthState::Healthy | HealthState::Empty) => Step::Close,
            _ => return None,
        };
        self.worst = match step {
            Step::Open(state) | Step::Worse(state) => Some(state),
            Step::Close => None,
        };
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use HealthState::{Degraded, Down, Empty, Healthy, Unknown};

    #[test]
    fn one_incident_lasts_until_all_is_well() {
        let mut course = Course::default();
        let mut steps = Vec::new();
        for state in [Unknown, Healthy, Degraded, Unknown, Down, Degraded, Unknown, Down, Healthy, Healthy] {
            steps.extend(course.take(state, Rollout::None));
        }
        assert_eq!(steps, [Step::Open(Degraded), Step::Worse(Down), Step::Close]);
    }

    #[test]
    fn a_rollout_in_progress_does_not_page() {
        let mut course = Course::default();
        assert_eq!(course.take(Down, Rollout::InProgress), None);
        assert_eq!(course.take(Down, Rollout::None), Some(Step::Open(Down)));
        assert_eq!(course.take(Healthy, Rollout::InProgress), Some(Step::Close));
    }

    proptest! {
        #[test]
        fn they_open_and_close_in_turn(states in prop::collection::vec(
            (prop_oneof![Just(Healthy), Just(Degraded), Just(Down), Just(Unknown), Just(Empty)], any::<bool>()), 0..100)) {
            let mut course = Course::default();
            let mut open = false;
            for (state, rollout) in states {
                let rollout = if rollout { Rollout::InProgress } else { Rollout::None };
                match course.take(state, rollout) {
                    Some(Step::Open(worst)) => {
                        prop_assert!(!open && worst != Unknown && rollout == Rollout::None);
                        open = true;
                    }
                    Some(Step::Worse(_)) => prop_assert!(open),
                    Some(Step::Close) => {
                        prop_assert!(open && state != Unknown);
                        open = false;
                    }
                    None => {}
                }
                prop_assert_eq!(course.is_open(), open);
            }
        }
    }
}
