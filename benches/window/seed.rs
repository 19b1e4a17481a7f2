//! Fills a home with what the window is measured on: `seed empty|fifty|year|million HOME`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nonevent_engine::logs::{Cursor, Joiner, Line};
use nonevent_engine::model::{EnvironmentName, Instance, InstanceState, LogStream, ProjectName, SampleOutcome, Series, Unit};
use nonevent_engine::store::health::Measured;
use nonevent_engine::store::logs::{Batch, Source};
use nonevent_engine::store::{HealthStore, LogStore, Store};
use nonevent_engine::target::Place;

#[path = "../logs/line.rs"]
mod line;

const PROJECT: &str = "bench";
const ENVIRONMENT: &str = "local";
const PROJECTS: u32 = 50;
const LINES: u64 = 1_000_000;
/// Every hour of a year has samples: more than a screen can show.
const SAMPLES: i64 = 365 * 24 * 6;
const PACE: i64 = 10 * 60 * 1000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().expect("what to fill the home with");
    let home = PathBuf::from(arguments.next().expect("the home's folder"));
    let store = Store::open(&home).unwrap();
    match what.as_str() {
        "empty" => {}
        "fifty" => (1..=PROJECTS).for_each(|number| remember(&store, &home, &format!("{PROJECT}-{number:02}"))),
        "year" => {
            remember(&store, &home, PROJECT);
            fill_health(&home);
        }
        "million" => {
            remember(&store, &home, PROJECT);
            fill_logs(&home);
        }
        other => panic!("nothing is called `{other}`"),
    }
}

fn remember(store: &Store, home: &Path, name: &str) {
    let folder = home.join("projects").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("pyproject.toml"), format!("[project]\nname = \"{name}\"\nversion = \"1\"\n")).unwrap();
    std::fs::write(
        folder.join("nonevent.toml"),
        format!("[app]\nname = \"{name}\"\ncommand = [\"python\", \"app.py\"]\nport = 8000\n"),
    )
    .unwrap();
    store.remember_project(&ProjectName::new(name), &folder).unwrap();
}

fn fill_health(home: &Path) {
    let store = HealthStore::open(home).unwrap();
    let place = Place { project: ProjectName::new(PROJECT), environment: EnvironmentName::new(ENVIRONMENT) };
    let now = Timestamp::now().as_millisecond();
    let series = [("probe:app", Unit::Microseconds), ("cpu", Unit::Millicores), ("memory", Unit::Bytes)];
    let numbers: Vec<i64> = (0..SAMPLES).collect();
    for some in numbers.chunks(10_000) {
        let samples = some.iter().flat_map(|number| {
            let noise = u64::try_from(number * 7919 % 400).unwrap_or_default();
            series.iter().map({
                let place = place.clone();
                move |(name, unit)| Measured {
                    place: place.clone(),
                    series: Series { name: (*name).to_owned(), unit: *unit },
                    at: now - (SAMPLES - number) * PACE,
                    outcome: if number % 2_000 < 3 { SampleOutcome::Failed } else { SampleOutcome::Passed },
                    value: 2_000 + noise,
                }
            })
        });
        store.append(&samples.collect::<Vec<_>>()).unwrap();
    }
}

fn fill_logs(home: &Path) {
    let store = LogStore::open(home, &ProjectName::new(PROJECT)).unwrap();
    let instance = Instance {
        id: "bench".into(),
        name: "bench-local-web-1".into(),
        process: "web".into(),
        release: "3f2a91c04d5e".into(),
        rollout: "r".into(),
        address: None,
        state: InstanceState::Running,
        restarts: 0,
        started_at: None,
        serving: true,
    };
    let source = Source { environment: EnvironmentName::new(ENVIRONMENT), instance, stream: LogStream::Stdout };
    let (mut joiner, mut records, mut after) = (Joiner::default(), Vec::new(), None);
    let start = i64::try_from(Timestamp::now().as_nanosecond()).unwrap() - i64::try_from(LINES).unwrap() * 1_000_000;
    for number in 0..LINES {
        let at = start + i64::try_from(number).unwrap() * 1_000_000;
        joiner.push(Line { at, text: line::line(number) }, &mut records);
        if number % 4096 == 4095 || number + 1 == LINES {
            joiner.flush(&mut records);
            let to = Cursor { at, count: 1 };
            store.append(&Batch { source: &source, after, to, records: &records, budget: u64::MAX }).unwrap();
            records.clear();
            after = Some(to);
        }
    }
}
