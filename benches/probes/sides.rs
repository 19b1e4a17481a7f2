//! The two sides that are compared, and the server that both ask.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hdrhistogram::Histogram;
use nonevent_engine::health::Sample;
use nonevent_engine::health::probes::{HttpProber, timed};
use nonevent_engine::health::scheduler::{self, Pace};
use nonevent_engine::health::verdict::{Rules, Verdict};
use nonevent_engine::model::{HttpProbe, SampleOutcome, Series, Threshold, Unit};
use nonevent_engine::store::HealthStore;
use nonevent_engine::store::health::Measured;
use nonevent_engine::target::Place;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Addresses of the server: one alone has too few ports for so many connections.
const ADDRESSES: u64 = 16;
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Probes {
    pub count: u64,
    pub seconds: u64,
    pub port: u64,
    pub interval: Duration,
}

impl Probes {
    fn url(&self, key: u64) -> String {
        format!("http://127.0.0.{}:{}/healthz", 1 + key % ADDRESSES, self.port)
    }
}

/// What was measured, apart from what both sides have in common.
struct Lateness {
    late: Histogram<u64>,
    failed: u64,
}

type Shared = Arc<Mutex<Lateness>>;

fn nothing() -> Shared {
    Arc::new(Mutex::new(Lateness { late: Histogram::new(3).unwrap(), failed: 0 }))
}

fn note(shared: &Shared, due: Instant) {
    let late = u64::try_from(due.elapsed().as_micros()).unwrap();
    shared.lock().unwrap().late.record(late).unwrap();
}

fn told(shared: &Shared, probes: Probes) -> Value {
    let shared = shared.lock().unwrap();
    let late = &shared.late;
    json!({
        "made": late.len(),
        "failed": shared.failed,
        "p50": late.value_at_percentile(50.0),
        "p99": late.value_at_percentile(99.0),
        "max": late.max(),
        "processor": processor() / probes.seconds as f64,
        "memory": memory(),
    })
}

/// Answers every request alike, until it is killed.
pub async fn serve() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let mut listeners = vec![first];
    for number in 2..=ADDRESSES {
        listeners.push(TcpListener::bind(format!("127.0.0.{number}:{port}")).await.unwrap());
    }
    println!("{port}");
    let answering = listeners.into_iter().map(|listener| async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let (mut asked, mut part) = (Vec::new(), [0; 1024]);
                while !asked.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut part).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => asked.extend_from_slice(&part[..count]),
                    }
                }
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
            });
        }
    });
    futures_util::future::join_all(answering).await;
}

/// As `nonevent watch` does it: scheduled, asked, judged and kept.
pub async fn nonevent(probes: Probes, folder: &Path) -> Value {
    let shared = nothing();
    let timeout = TIMEOUT;
    let probers: Arc<BTreeMap<u64, HttpProber>> = Arc::new(
        (0..probes.count)
            .map(|key| {
                let probe = HttpProbe { target: "/healthz".into(), ..HttpProbe::default() };
                (key, HttpProber::new(probe, &probes.url(key), None, None, timeout).unwrap())
            })
            .collect(),
    );
    let store = HealthStore::open(folder).unwrap();
    let (sender, mut samples) = tokio::sync::mpsc::channel::<(u64, Sample)>(256);
    let (threes, twos) = (Threshold { count: 3, of: 5 }, Threshold { count: 2, of: 2 });
    let rules = Rules { fall: threes, recover: twos, interval: probes.interval, timeout };
    let noted = shared.clone();
    let judging = tokio::spawn(async move {
        let mut verdicts: BTreeMap<u64, Verdict> = BTreeMap::new();
        let place = Place { project: "bench".into(), environment: "local".into() };
        while let Some((key, sample)) = samples.recv().await {
            let series = Series { name: format!("probe:{key}"), unit: Unit::Microseconds };
            let measured = Measured { place: place.clone(), series, at: sample.at, outcome: sample.outcome, value: sample.took };
            store.append(&[measured]).unwrap();
            verdicts.entry(key).or_insert_with(|| Verdict::new(rules)).take(&sample);
            noted.lock().unwrap().failed += u64::from(sample.outcome != SampleOutcome::Passed);
        }
    });
    let noted = shared.clone();
    let probe = move |key: u64, due: Instant| {
        note(&noted, due);
        let (probers, sender) = (probers.clone(), sender.clone());
        async move {
            let sample = timed(probers[&key].measure()).await;
            let _ = sender.send((key, sample)).await;
        }
    };
    let (wanted, wants) = tokio::sync::mpsc::channel(1);
    let pace = Pace { interval: probes.interval, jitter: probes.interval / 10 };
    wanted.send((0..probes.count).map(|key| (key, pace)).collect()).await.unwrap();
    let stop = CancellationToken::new();
    let scheduling = tokio::spawn(scheduler::run(wants, probe, stop.clone()));
    tokio::time::sleep(Duration::from_secs(probes.seconds)).await;
    stop.cancel();
    scheduling.await.unwrap();
    judging.await.unwrap();
    told(&shared, probes)
}

/// As one would write it in an hour: a task for each probe, and nothing that is kept.
pub async fn plain(probes: Probes) -> Value {
    let shared = nothing();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let began = Instant::now();
    for key in 0..probes.count {
        let (shared, client, url) = (shared.clone(), client.clone(), probes.url(key));
        let first = began + probes.interval * u32::try_from(key).unwrap() / u32::try_from(probes.count).unwrap();
        tokio::spawn(async move {
            let mut turns = tokio::time::interval_at(first, probes.interval);
            loop {
                let due = turns.tick().await;
                note(&shared, due);
                let asked = async { client.get(&url).send().await?.error_for_status()?.bytes().await };
                let answered = tokio::time::timeout(TIMEOUT, asked).await;
                shared.lock().unwrap().failed += u64::from(!matches!(answered, Ok(Ok(_))));
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(probes.seconds)).await;
    told(&shared, probes)
}

/// Seconds of processor time of this process.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    // utime and stime, in hundredths of a second (proc(5)).
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that this process ever had, bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    most.split_whitespace().next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() * 1024
}
