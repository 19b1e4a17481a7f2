#![allow(clippy::unwrap_used, clippy::print_stdout)]
use std::time::Instant;

use rusqlite::params;

use super::*;
use crate::model::{
    EnvironmentName, Gap, HealthState, Incident, Marker, Notice, NoticeWeight, ProjectName, ReleaseId, SampleOutcome, Series,
    Unit,
};
use crate::target::Place;

const DAY: i64 = 24 * HOUR;
/// 2026-11-23T00:00:00Z.
const NOW: i64 = 1_795_392_000_000;

fn place() -> Place {
    Place { project: ProjectName::new("shop"), environment: EnvironmentName::new("production") }
}

fn measured(at: i64, outcome: SampleOutcome, value: u64) -> Measured {
    let series = Series { name: "probe:app".into(), unit: Unit::Microseconds };
    Measured { place: place(), series, at, outcome, value }
}

fn open() -> (tempfile::TempDir, HealthStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = HealthStore::open(folder.path()).unwrap();
    (folder, store)
}

fn notice() -> Notice {
    Notice {
        about: "1".into(),
        project: place().project,
        environment: place().environment,
        release: None,
        weight: NoticeWeight::Outage,
        ends: None,
        title: "down".into(),
        text: String::new(),
        url: None,
        at: String::new(),
    }
}

fn incident() -> Incident {
    Incident {
        id: "1".into(),
        project: place().project,
        environment: place().environment,
        worst: HealthState::Down,
        opened_at: "2026-11-23T10:00:00.000Z".into(),
        closed_at: None,
        probe: "app".into(),
        finding: "500".into(),
        release: None,
        diagnosis: None,
        changes: Vec::new(),
    }
}

#[test]
fn samples_are_read_back_at_every_resolution() {
    let (_folder, store) = open();
    let samples: Vec<Measured> = (0..720)
        .map(|index| {
            let outcome = match index % 100 {
                0 => SampleOutcome::Failed,
                1 => SampleOutcome::Degraded,
                2 => SampleOutcome::Unseen,
                _ => SampleOutcome::Passed,
            };
            measured(NOW + index * 10_000, outcome, 1000 + u64::try_from(index).unwrap())
        })
        .collect();
    store.append(&samples).unwrap();
    store.append(&samples).unwrap();
    for (span, points) in [(2 * HOUR, 720), (DAY, 120), (30 * DAY, 2)] {
        let found = store.timeline(&place(), "probe:app", NOW, NOW + span).unwrap();
        assert_eq!(found.len(), points, "{span}");
        let sum = |of: fn(&crate::model::TimelinePoint) -> u64| found.iter().map(of).sum::<u64>();
        assert_eq!((sum(|p| p.count), sum(|p| p.failed), sum(|p| p.degraded), sum(|p| p.unseen)), (712, 8, 8, 8), "{span}");
        assert_eq!(found.iter().map(|point| point.max).max(), Some(1719));
    }
    let hour = store.timeline(&place(), "probe:app", NOW, NOW + 30 * DAY).unwrap()[0];
    assert!((1170..=1190).contains(&hour.p50) && (1330..=1359).contains(&hour.p95), "{hour:?}");
    assert!(store.timeline(&place(), "probe:other", NOW, NOW + DAY).unwrap().is_empty());
    assert!(store.timeline(&place(), "probe:app", NOW, NOW).unwrap().is_empty());
}

#[test]
fn what_is_older_than_it_is_kept_is_read_from_what_is_coarser() {
    let (_folder, store) = open();
    store
        .append(&[measured(NOW - 40 * DAY, SampleOutcome::Passed, 5), measured(NOW - 3 * DAY, SampleOutcome::Passed, 7)])
        .unwrap();
    store.append(&[measured(NOW, SampleOutcome::Passed, 9)]).unwrap();
    store.prune(NOW + 1, Retention::default()).unwrap();
    let near = |at: i64| store.timeline(&place(), "probe:app", at - HOUR, at + HOUR).unwrap().len();
    assert_eq!([near(NOW), near(NOW - 3 * DAY), near(NOW - 40 * DAY)], [1, 1, 1]);
    store.prune(NOW + 800 * DAY, Retention::default()).unwrap();
    assert_eq!(near(NOW), 0);
}

#[test]
fn the_budget_of_bytes_is_kept_and_the_coarsest_stays_longest() {
    let (folder, store) = open();
    let samples: Vec<Measured> = (0..20_000).map(|index| measured(NOW + index * 10_000, SampleOutcome::Passed, 1000)).collect();
    store.append(&samples).unwrap();
    let budget = 400_000;
    assert!(store.bytes().unwrap() > budget);
    store.prune(NOW, Retention { bytes: budget, ..Retention::default() }).unwrap();
    assert!(store.bytes().unwrap() <= budget, "{}", store.bytes().unwrap());
    let file = std::fs::metadata(folder.path().join("health.db")).unwrap().len();
    assert!(file <= budget + 65_536, "the file kept {file} bytes");
    assert!(!store.timeline(&place(), "probe:app", NOW, NOW + 30 * DAY).unwrap().is_empty());
}

#[test]
fn markers_gaps_states_and_letters_are_kept() {
    let (_folder, store) = open();
    let marker = Marker { at: NOW, release: Some(ReleaseId::new("3f2a91c04d5e")), text: "ship".into() };
    store.mark(&place(), &marker).unwrap();
    store.mark(&place(), &marker).unwrap();
    assert_eq!(store.markers(&place(), NOW - 1, NOW + 1).unwrap(), [marker]);
    let gap = Gap { from: NOW, to: NOW + 5, reason: "this machine slept".into() };
    store.note_gap(&place(), &gap).unwrap();
    assert_eq!(store.gaps(&place(), NOW + 1, NOW + 2).unwrap(), std::slice::from_ref(&gap));
    // Every probe finds the same gap, a little sooner or later.
    for (from, to) in [(NOW - 2, NOW + 3), (NOW + 1, NOW + 9), (NOW + 20, NOW + 30)] {
        store.note_gap(&place(), &Gap { from, to, ..gap.clone() }).unwrap();
    }
    let spans: Vec<(i64, i64)> = store.gaps(&place(), 0, i64::MAX).unwrap().iter().map(|gap| (gap.from, gap.to)).collect();
    assert_eq!(spans, [(NOW - 2, NOW + 9), (NOW + 20, NOW + 30)]);
    // The clock was ahead.
    store.end_gaps(&place(), NOW + 4).unwrap();
    assert_eq!(
        store.gaps(&place(), 0, i64::MAX).unwrap().iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>(),
        [(NOW - 2, NOW + 4)]
    );
    store.keep_state(&place(), HealthState::Down, NOW).unwrap();
    assert_eq!(store.state(&place()).unwrap(), Some((HealthState::Down, NOW)));
    let notice = notice();
    store.bury(&place().project, "team", &notice, "410").unwrap();
    let letters = store.dead_letters(&place().project, 10).unwrap();
    assert_eq!((letters.len(), letters[0].webhook.as_str(), &letters[0].notice), (1, "team", &notice));
}

#[test]
fn what_is_owed_is_owed_until_it_is_settled_or_old() {
    let (folder, store) = open();
    let owed = |id: &str, webhook: Option<&str>| Owed { id: id.into(), webhook: webhook.map(Into::into), notice: notice() };
    let (desktop, team) = (owed("1", None), owed("2", Some("team")));
    store.keep_incident(&incident(), &[desktop.clone(), team.clone()]).unwrap();
    store.owe(std::slice::from_ref(&desktop)).unwrap();
    let again = HealthStore::open(folder.path()).unwrap();
    assert_eq!(again.owed().unwrap(), [desktop, team.clone()]);
    again.settle("1").unwrap();
    assert_eq!(store.owed().unwrap(), [team]);
    let tomorrow = jiff::Timestamp::now().as_millisecond() + 25 * 3_600_000;
    store.prune(tomorrow, Retention::default()).unwrap();
    assert_eq!(store.owed().unwrap(), []);
}

#[test]
fn what_was_told_of_rollouts_is_kept_with_what_is_owed_of_them() {
    let (folder, store) = open();
    assert_eq!(store.told_up_to().unwrap(), None);
    let team = Owed { id: "1".into(), webhook: Some("team".into()), notice: notice() };
    store.owe_up_to(std::slice::from_ref(&team), 41).unwrap();
    store.owe_up_to(&[], 47).unwrap();
    let again = HealthStore::open(folder.path()).unwrap();
    assert_eq!((again.told_up_to().unwrap(), again.owed().unwrap()), (Some(47), vec![team]));
}

#[test]
fn incidents_go_on_across_openings_and_end_once() {
    let (folder, store) = open();
    let incident = incident();
    store.keep_incident(&incident, &[]).unwrap();
    let again = HealthStore::open(folder.path()).unwrap();
    assert_eq!(again.open_incident(&place()).unwrap(), Some(incident.clone()));
    let closed = Incident { closed_at: Some("2026-11-23T11:00:00.000Z".into()), ..incident };
    again.keep_incident(&closed, &[]).unwrap();
    assert_eq!(store.open_incident(&place()).unwrap(), None);
    let listed = |from: &str, to: &str| store.incidents(&place(), from, to).unwrap().len();
    assert_eq!(listed("2026-11-23T10:30:00Z", "2026-11-24T00:00:00Z"), 1);
    assert_eq!(listed("2026-11-23T11:30:00Z", "2026-11-24T00:00:00Z"), 0);
}

#[test]
fn a_newer_database_is_refused() {
    let (folder, store) = open();
    store.connection().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(HealthStore::open(folder.path()).unwrap_err(), StoreError::Newer { found: 99, .. }));
}

/// Writes what a year of samples every ten seconds leaves of 20 probes: hours of a year, minutes of 30 days, samples of 48 hours.
fn fill_a_year(store: &HealthStore) {
    const PROBES: i64 = 20;
    let sketches: Vec<Vec<u8>> = (0..50_u64)
        .map(|kind| {
            let mut sketch = sketch::Sketch::new().unwrap();
            (0..6).for_each(|value| sketch.record(2000 + kind * 97 + value * 311));
            sketch.write().unwrap()
        })
        .collect();
    let hours: Vec<Vec<u8>> = (0..50_u64)
        .map(|kind| {
            let mut sketch = sketch::Sketch::new().unwrap();
            (0..360).for_each(|value| sketch.record(2000 + kind * 97 + value * value / 3));
            sketch.write().unwrap()
        })
        .collect();
    let mut connection = store.connection();
    let transaction = connection.transaction().unwrap();
    {
        let mut series =
            transaction.prepare("INSERT INTO series VALUES (?1, 'shop', 'production', 'probe:' || ?1, 'microseconds')").unwrap();
        let mut rollup = transaction.prepare("INSERT INTO rollups VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 9000, ?5)").unwrap();
        let mut raw = transaction.prepare("INSERT INTO raw VALUES (?1, ?2, 0, ?3)").unwrap();
        for probe in 1..=PROBES {
            series.execute([probe]).unwrap();
            for (step, span, count, sketches) in [(MINUTE, 30 * DAY, 6, &sketches), (HOUR, 365 * DAY, 360, &hours)] {
                for at in (NOW - span..NOW).step_by(usize::try_from(step).unwrap()) {
                    let sketch = &sketches[usize::try_from(at / step + probe).unwrap() % sketches.len()];
                    rollup.execute(params![step, probe, at, count, sketch]).unwrap();
                }
            }
            for at in (NOW - 2 * DAY..NOW).step_by(10_000) {
                raw.execute(params![probe, at, 2000 + at % 977]).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}

#[test]
fn a_year_of_twenty_probes_fits_the_budget_and_answers_with_few_points() {
    let (_folder, store) = open();
    let began = Instant::now();
    fill_a_year(&store);
    println!("filled in {:?}, {} bytes", began.elapsed(), store.bytes().unwrap());
    for (name, span) in [("an hour", HOUR), ("a day", DAY), ("a month", 30 * DAY), ("a year", 365 * DAY)] {
        let began = Instant::now();
        let points = store.timeline(&place(), "probe:7", NOW - span, NOW).unwrap();
        println!("{name}: {} points in {:?}", points.len(), began.elapsed());
        assert!(!points.is_empty() && points.len() <= 2000, "{name}: {}", points.len());
        let expected = u64::try_from(span / 10_000).unwrap();
        assert_eq!(points.iter().map(|point| point.count).sum::<u64>(), expected, "{name}");
    }
    assert!(store.bytes().unwrap() < Retention::default().bytes, "{}", store.bytes().unwrap());
}
