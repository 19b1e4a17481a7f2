#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    fall: Threshold { count: 3, of: 5 },
    recover: Threshold { count: 2, of: 2 },
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
};

fn sample(at: i64, outcome: SampleOutcome) -> Sample {
    Sample { at, outcome, took: 1, finding: String::new() }
}

/// Takes one sample every ten seconds, written as `P`, `D`, `F` and `U`, from a time on; returns the verdicts.
fn take(verdict: &mut Verdict, from: i64, letters: &str) -> Vec<HealthState> {
    let outcome = |letter| match letter {
        'P' => SampleOutcome::Passed,
        'D' => SampleOutcome::Degraded,
        'F' => SampleOutcome::Failed,
        _ => SampleOutcome::Unseen,
    };
    let times = (from..).step_by(10_000);
    letters
        .chars()
        .zip(times)
        .map(|(letter, at)| {
            verdict.take(&sample(at, outcome(letter)));
            verdict.state()
        })
        .collect()
}

fn last(letters: &str) -> HealthState {
    *take(&mut Verdict::new(RULES), 0, letters).last().unwrap()
}

#[test]
fn it_falls_and_recovers_by_its_thresholds() {
    for (letters, state) in [
        ("P", HealthState::Unknown),
        ("PP", HealthState::Healthy),
        ("PPFF", HealthState::Healthy),
        ("PPFPFPF", HealthState::Down),
        ("PPFFPF", HealthState::Down),
        ("PPFFF", HealthState::Down),
        ("PPFFFP", HealthState::Down),
        ("PPFFFPP", HealthState::Healthy),
        ("PPFFFPPF", HealthState::Healthy),
        ("PPDDD", HealthState::Degraded),
        ("PPDDDFFF", HealthState::Down),
        ("PPFFFDD", HealthState::Degraded),
        ("FFF", HealthState::Down),
        ("PPFFU", HealthState::Unknown),
        ("PPFFUF", HealthState::Unknown),
        ("PPFFUFFF", HealthState::Down),
    ] {
        assert_eq!(last(letters), state, "{letters}");
    }
}

#[test]
fn a_laptop_that_slept_makes_no_outage() {
    let mut verdict = Verdict::new(RULES);
    take(&mut verdict, 0, "PPFF");
    let judged = verdict.take(&sample(8 * 3_600_000, SampleOutcome::Failed));
    assert_eq!(judged.jump, Some(Jump::Ahead(30_000, 8 * 3_600_000)));
    assert_eq!(judged.change, Some(Change { from: HealthState::Healthy, to: HealthState::Unknown }));
    let judged = verdict.take(&sample(30_000, SampleOutcome::Passed));
    assert_eq!(judged.jump, Some(Jump::Back(30_000)), "a clock that was set back");
}

#[test]
fn flapping_is_held_down_until_it_is_calm() {
    let mut verdict = Verdict::new(RULES);
    let states = take(&mut verdict, 0, &format!("PP{}", "FFFPP".repeat(8)));
    let falls = states.windows(2).filter(|pair| pair[0] == HealthState::Healthy && pair[1] == HealthState::Down).count();
    assert_eq!(falls, 3, "{states:?}");
    assert!(verdict.is_flapping());
    let calm = take(&mut verdict, 420_000, &"P".repeat(200));
    assert_eq!(calm.first(), Some(&HealthState::Degraded));
    assert_eq!(calm.last(), Some(&HealthState::Healthy));
}

#[test]
fn together_they_are_the_worst_that_is_known() {
    use HealthState::{Degraded, Down, Healthy, Unknown};
    assert_eq!(together([Healthy, Unknown, Degraded]), Degraded);
    assert_eq!(together([Healthy, Down, Unknown]), Down);
    assert_eq!(together([Healthy, Unknown]), Unknown);
    assert_eq!(together([]), Unknown);
}

fn outcomes() -> impl Strategy<Value = SampleOutcome> {
    prop_oneof![
        Just(SampleOutcome::Passed),
        Just(SampleOutcome::Degraded),
        Just(SampleOutcome::Failed),
        Just(SampleOutcome::Unseen)
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let threshold = || (1_u32..6, 0_u32..5).prop_map(|(count, more)| Threshold { count, of: count + more });
    (threshold(), threshold()).prop_map(|(fall, recover)| Rules { fall, recover, ..RULES })
}

proptest! {
    #[test]
    fn it_is_never_down_without_its_failures(rules in rules(), seen in prop::collection::vec((outcomes(), 1_i64..60_000), 0..200)) {
        let mut verdict = Verdict::new(rules);
        let (mut at, mut failures) = (0, 0);
        for (outcome, pause) in seen {
            at += pause;
            let judged = verdict.take(&sample(at, outcome));
            if judged.jump.is_some() || outcome == SampleOutcome::Unseen {
                failures = 0;
            }
            failures += u32::from(outcome == SampleOutcome::Failed);
            if verdict.state() == HealthState::Down {
                prop_assert!(failures >= rules.fall.count);
            }
            if outcome == SampleOutcome::Unseen {
                prop_assert_eq!(verdict.state(), HealthState::Unknown);
            }
            if judged.jump.is_some() && rules.fall.count > 1 && rules.recover.count > 1 {
                prop_assert_eq!(verdict.state(), HealthState::Unknown);
            }
        }
    }

    #[test]
    fn calm_brings_health_back(rules in rules(), seen in prop::collection::vec(outcomes(), 0..60)) {
        let mut verdict = Verdict::new(rules);
        let samples = seen.into_iter().chain(std::iter::repeat_n(SampleOutcome::Passed, 300));
        for (outcome, at) in samples.zip((0..).step_by(10_000)) {
            verdict.take(&sample(at, outcome));
        }
        prop_assert_eq!(verdict.state(), HealthState::Healthy);
    }

    #[test]
    fn any_clock_will_do(seen in prop::collection::vec((outcomes(), any::<i64>()), 0..50)) {
        let mut verdict = Verdict::new(RULES);
        for (outcome, at) in seen {
            verdict.take(&sample(at, outcome));
        }
    }
}
