//! Measures a year of health: 20 probes every ten seconds are kept and rolled up as `nonevent watch` does it, and any span is asked for.
//! `cargo run --release -p nonevent-engine --example timeline [DAYS] [FOLDER]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::expect_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use nonevent_engine::model::{SampleOutcome, Series, Unit};
use nonevent_engine::store::HealthStore;
use nonevent_engine::store::health::{Measured, Retention};
use nonevent_engine::target::Place;

const PROBES: u64 = 20;
const EVERY: i64 = 10_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-11-23T00:00:00Z.
const NOW: i64 = 1_795_392_000_000;
/// Questions for each length of a span.
const QUESTIONS: u64 = 200;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let days: i64 = arguments.next().map_or(365, |text| text.parse().expect("a number of days"));
    let folder =
        tempfile::Builder::new().prefix("nonevent-bench-").tempdir_in(arguments.next().unwrap_or_else(|| ".".into())).unwrap();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{days} days of {PROBES} probes every {} s; load before: {load}", EVERY / 1000);
    let store = HealthStore::open(folder.path()).unwrap();
    keep(&store, days);
    let file = std::fs::metadata(folder.path().join("health.db")).unwrap().len();
    let budget = Retention::default().bytes;
    println!("on disk: {:.0} MB of {:.0} MB", file as f64 / 1e6, budget as f64 / 1e6);
    assert!(file <= budget, "the budget is exceeded");
    ask(&store, days);
}

fn place() -> Place {
    Place { project: "bench".into(), environment: "local".into() }
}

/// Looks like chance, the same each time.
fn noise(number: u64) -> u64 {
    let mixed = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number).rotate_left(29);
    mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

fn measured(probe: u64, at: i64) -> Measured {
    let chance = noise(at.unsigned_abs() ^ (probe << 50));
    let (outcome, value) = match chance % 10_000 {
        0..5 => (SampleOutcome::Failed, 5_000_000),
        5..20 => (SampleOutcome::Degraded, 900_000 + chance % 1_000_000),
        // Most answers are quick, and some take ten times as long.
        luck => (SampleOutcome::Passed, (1500 + chance % 3000) * if luck > 9_800 { 10 } else { 1 }),
    };
    let series = Series { name: format!("probe:{probe}"), unit: Unit::Microseconds };
    Measured { place: place(), series, at, outcome, value }
}

/// Keeps every sample, an hour at a time, and forgets what is old once a day.
fn keep(store: &HealthStore, days: i64) {
    let (began, mut count) = (Instant::now(), 0_u64);
    for day in 0..days {
        for hour in 0..24 {
            let from = NOW - (days - day) * DAY + hour * HOUR;
            let samples: Vec<Measured> =
                (0..PROBES).flat_map(|probe| (from..from + HOUR).step_by(10_000).map(move |at| measured(probe, at))).collect();
            store.append(&samples).unwrap();
            count += u64::try_from(samples.len()).unwrap();
        }
        store.prune(NOW - (days - day - 1) * DAY, Retention::default()).unwrap();
        if day % 30 == 29 {
            eprintln!("bench: {} days kept, {:.0} s", day + 1, began.elapsed().as_secs_f64());
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!("keep: {count} samples in {took:.0} s, {:.0} samples/s", count as f64 / took);
}

fn ask(store: &HealthStore, days: i64) {
    println!("\n| span | p50 | p95 | max | points, at most |\n| --- | --: | --: | --: | --: |");
    let year = days * DAY;
    let spans = [
        ("an hour", HOUR),
        ("3 hours", 3 * HOUR),
        ("a day", DAY),
        ("3 days", 3 * DAY),
        ("30 days", 30 * DAY),
        ("90 days", 90 * DAY),
    ];
    for (name, span) in spans.into_iter().filter(|(_, span)| *span < year).chain([("all of it", year)]) {
        row(store, name, |number| {
            let back = i64::try_from(noise(number)).unwrap() % (year - span + 1);
            // Half of them end now, as most questions do.
            let to = if number % 2 == 0 { NOW } else { NOW - back };
            (to - span, to)
        });
    }
    row(store, "any", |number| {
        let one = NOW - i64::try_from(noise(number)).unwrap() % year;
        let other = NOW - i64::try_from(noise(number + QUESTIONS)).unwrap() % year;
        (one.min(other), one.max(other))
    });
}

fn row(store: &HealthStore, name: &str, span: impl Fn(u64) -> (i64, i64)) {
    let (mut times, mut most): (Vec<Duration>, _) = (Vec::new(), 0);
    for number in 0..QUESTIONS {
        let (from, to) = span(number);
        let began = Instant::now();
        let points = store.timeline(&place(), &format!("probe:{}", number % PROBES), from, to).unwrap();
        times.push(began.elapsed());
        most = most.max(points.len());
    }
    times.sort_unstable();
    let ms = |per_cent: usize| format!("{:.1} ms", times[(times.len() - 1) * per_cent / 100].as_secs_f64() * 1000.0);
    println!("| {name} | {} | {} | {} | {most} |", ms(50), ms(95), ms(100));
    assert!(most <= 2000, "{most} points");
}
