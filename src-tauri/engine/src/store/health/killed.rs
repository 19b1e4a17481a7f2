//! A process that is killed while it writes: what it was told is kept is there, once, and whatever it was about is there as a whole or not.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::model::{SampleOutcome, Series, Unit};
use crate::target::Place;

const FOLDER: &str = "NONEVENT_TEST_KILLED_FOLDER";
const FROM: &str = "NONEVENT_TEST_KILLED_FROM";
const PROBES: i64 = 5;
const STEP: i64 = 1000;
const ROUNDS: i64 = 25;

fn measured(probe: i64, at: i64) -> Measured {
    let series = Series { name: format!("probe:{probe}"), unit: Unit::Microseconds };
    let outcome = if at / STEP % 7 == 0 { SampleOutcome::Failed } else { SampleOutcome::Passed };
    Measured { place: Place { project: "shop".into(), environment: "local".into() }, series, at, outcome, value: 1000 }
}

/// What is killed: it says each time whose measurements are kept.
#[test]
#[ignore = "another test runs it, and kills it"]
fn writes_until_it_is_killed() {
    let folder = std::env::var(FOLDER).unwrap();
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    let store = HealthStore::open(Path::new(&folder)).unwrap();
    for at in (from..).step_by(1000) {
        store.append(&(0..PROBES).map(|probe| measured(probe, at)).collect::<Vec<_>>()).unwrap();
        println!("{at}");
        if at % 10_000 == 0 {
            store.prune(at, Retention::default()).unwrap();
        }
    }
}

#[test]
fn what_was_said_to_be_kept_is_kept_once_however_often_the_writer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for round in 0..ROUNDS {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::health::killed::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(FROM, kept.last().map_or(0, |last| last + STEP).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut told = lines.map_while(Result::ok).filter_map(|line| line.parse::<i64>().ok());
        kept.extend(told.by_ref().take(usize::try_from(3 + round * 7 % 31).unwrap()));
        writer.kill().unwrap();
        // What it said before it died counts.
        kept.extend(told);
        writer.wait().unwrap();
        check(folder.path(), &kept);
    }
    println!("{} measurements of each probe in {ROUNDS} lives", kept.len());
}

fn check(folder: &Path, kept: &[i64]) {
    let store = HealthStore::open(folder).unwrap();
    let connection = store.connection();
    let whole: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut statement = connection.prepare("SELECT at, count(*) FROM raw GROUP BY at").unwrap();
    let raw: BTreeMap<i64, i64> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(raw.values().all(|count| *count == PROBES), "half a transaction is there: {raw:?}");
    let lost: Vec<_> = kept.iter().filter(|at| !raw.contains_key(at)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    // One that was kept and could not be said any more is all that may be there besides.
    let last = kept.last().unwrap();
    assert!(raw.keys().all(|at| *at <= last + STEP), "{raw:?}");
    for step in [MINUTE, HOUR] {
        let sum = "SELECT coalesce(sum(count), 0), coalesce(sum(failed), 0) FROM rollups WHERE step = ?1";
        let (count, failed): (i64, i64) = connection.query_row(sum, [step], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let expected: i64 = raw.values().sum();
        assert_eq!(count, expected, "rolled up twice, or not at all");
        assert_eq!(failed, PROBES * i64::try_from(raw.keys().filter(|at| *at / STEP % 7 == 0).count()).unwrap());
    }
}
