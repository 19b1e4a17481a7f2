//! Whole rollouts on a real engine, with real requests: the shares of a canary by count, a bad one that goes back by itself, a rolling one
//! that loses nothing, and the preview of a name that no browser finds here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nonevent_engine::model::{Batch, CommandLine, RolloutReason, RunId, Strategy, Tolerance};
use nonevent_engine::pipeline::Context;
use nonevent_engine::request::{Bake, Consent, Preview};
use nonevent_engine::rollout::{Desired, Lease, Order, Rollout, RolloutError, recover};
use nonevent_engine::store::Store;
use nonevent_engine::target::{Encryption, Place, RootFileSystem, Target};
use nonevent_testkit::contract::{Behaviour, Scene, World, rollout};
use nonevent_testkit::sample;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app;
use crate::lab::{Lab, reply};

/// Answers its health check well and others as it is told: a share of them with 500, or late; or ends in the middle of its life.
const FAULTY: &str = r"
import os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
fault = sys.argv[1]
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        status, body = 200, os.environ['RELEASE'].encode()
        if self.path != '/healthz':
            if fault == 'errors':
                status = 500
            elif fault == 'late':
                time.sleep(0.4)
            elif fault == 'ends':
                threading.Timer(0.2, lambda: os._exit(3)).start()
        self.send_response(status)
        self.send_header('content-length', str(len(body)))
        self.send_header('connection', 'close')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True
    def log_message(self, *arguments):
        pass
class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True
Server(('', int(os.environ['PORT'])), Handler).serve_forever()
";

/// Clients that ask until they are told to stop, and count who answered with what.
struct Clients {
    stop: Arc<AtomicBool>,
    all: JoinSet<BTreeMap<(String, u16), u32>>,
}

impl Clients {
    fn start(port: u16, domain: &str, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut all = JoinSet::new();
        for _ in 0..count {
            let (stop, domain) = (Arc::clone(&stop), domain.to_owned());
            all.spawn(async move {
                let mut counts = BTreeMap::new();
                while !stop.load(Ordering::Relaxed) {
                    let (status, body) = ask(port, &domain).await.unwrap_or_else(|error| (0, error.to_string()));
                    *counts.entry((body, status)).or_default() += 1;
                }
                counts
            });
        }
        Self { stop, all }
    }

    async fn end(mut self) -> BTreeMap<(String, u16), u32> {
        self.stop.store(true, Ordering::Relaxed);
        let mut counts = BTreeMap::new();
        while let Some(client) = self.all.join_next().await {
            for (answer, count) in client.unwrap() {
                *counts.entry(answer).or_default() += count;
            }
        }
        counts
    }
}

async fn ask(port: u16, domain: &str) -> std::io::Result<(u16, String)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    connection.write_all(format!("GET / HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    let reply = reply(&String::from_utf8_lossy(&answer));
    Ok((reply.status, reply.body))
}

/// What it takes to move an environment as `nonevent ship` does.
struct Mover<'a> {
    lab: &'a Lab,
    store: Store,
    place: Place,
    domain: String,
}

impl<'a> Mover<'a> {
    fn new(lab: &'a Lab, project: &str) -> Self {
        let domain = format!("{project}.localhost");
        Self { lab, store: Store::in_memory().unwrap(), place: sample::place(project), domain }
    }

    fn order(&self, release: &str, command: CommandLine, web: u16) -> Order {
        let mut record = sample::record(&self.place, &rollout("-"), release, &self.lab.image(), &self.domain);
        record.release.app.processes[0].command = command;
        record.release.engine_id = self.lab.image();
        record.placement.replicas = BTreeMap::from([("web".into(), web)]);
        Order {
            desired: Desired { release: record.release, placement: record.placement, reason: RolloutReason::Ship },
            foundation: nonevent_engine::target::Foundation {
                domain: Some(self.domain.clone()),
                port: Some(sample::PORT),
                services: BTreeMap::new(),
                volumes: Vec::new(),
                https: Encryption::Off,
            },
            env: BTreeMap::from([("RELEASE".to_owned(), release.to_owned())]),
            secrets: BTreeMap::new(),
            root: RootFileSystem::ReadOnly,
            drain: Duration::from_secs(10),
            bake: Duration::ZERO,
            wait: Bake::Wait,
            strategy: Strategy::BlueGreen,
            pause: Duration::ZERO,
            tolerance: Tolerance { requests: 20, ..Tolerance::default() },
            preview: Preview::Tell,
            consent: Consent::Refuse,
            source: None,
        }
    }

    async fn ship(&self, order: &Order) -> Result<(), RolloutError> {
        let (updates, mut reader) = mpsc::channel(64);
        tokio::spawn(async move { while reader.recv().await.is_some() {} });
        let run = (RunId::generate(), "test@one".to_owned(), CancellationToken::new());
        let context = Context::new(self.store.clone(), self.place.project.clone(), run.0, run.1, updates, run.2);
        let target: Arc<dyn Target> = Arc::new(self.lab.another());
        let lease = Lease::acquire(Arc::clone(&target), &self.place, "test@one", "ship").await?;
        let result = async {
            recover(&context, target.as_ref(), lease.fence(), &[]).await?;
            let mut rollout = Rollout::begin(&context, target.as_ref(), &lease, order).await?.expect("there is something to do");
            rollout.move_traffic().await?;
            rollout.settle().await.map(|_| ())
        }
        .await;
        lease.release().await?;
        result
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_canary_gets_its_share_by_count() {
    let lab = Lab::open("canary").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 2).await;
    // One instance gets the same share as two would.
    scene.stage(&rollout("r2"), "bbbb", 1).await;
    let port = lab.port().await;
    for percent in [5_u8, 25, 50] {
        lab.target.share(&scene.fence, percent).await.unwrap();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..1000 {
            let (status, body) = ask(port, &scene.domain).await.unwrap();
            assert_eq!(status, 200, "{body}");
            *counts.entry(body).or_default() += 1;
        }
        let share = counts.get("bbbb").copied().unwrap_or_default();
        println!("{percent} %: {share} of 1000");
        // Six standard deviations of 1000 throws.
        let expected = f64::from(percent) * 10.0;
        let deviation = 6.0 * (1000.0 * f64::from(percent) / 100.0 * (1.0 - f64::from(percent) / 100.0)).sqrt();
        assert!((f64::from(share) - expected).abs() < deviation, "{percent} %: {share} of 1000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_canary_that_nobody_answers_for_costs_no_request() {
    let lab = Lab::open("dead").await;
    let scene = Scene::set(&lab, "shop").await;
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    let dead = scene.stage(&rollout("r2"), "bbbb", 1).await;
    lab.docker.client.stop_container(dead[0].id.as_str(), None).await.unwrap();
    // The proxy notices within its checks that it is gone.
    let backend = "shop_local.green/s1";
    while !lab.tell_worker("show servers state shop_local.green").await.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.get(3) == Some(&"s1") && words.get(5) == Some(&"0")
    }) {}
    lab.target.share(&scene.fence, 50).await.unwrap();
    // Whoever gives it requests says that it is healthy; the checks know better within moments.
    while !lab.tell_worker("show servers state shop_local.green").await.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.get(3) == Some(&"s1") && words.get(5) == Some(&"0")
    }) {}
    let port = lab.port().await;
    for _ in 0..100 {
        assert_eq!(ask(port, &scene.domain).await.unwrap(), (200, "aaaa".to_owned()), "{backend} is down");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_bad_canary_goes_back_by_itself_and_fails_none_but_its_own() {
    let lab = Lab::open("bad").await;
    let mover = Mover::new(&lab, "shop");
    mover.ship(&mover.order("aaaa", app::command(Behaviour::Healthy), 2)).await.unwrap();
    let port = lab.port().await;
    for (fault, reason) in [("errors", "5xx"), ("late", "p95"), ("ends", "restarted")] {
        let clients = Clients::start(port, &mover.domain, 4);
        let order = mover.order("bbbb", app::python(FAULTY, &[fault]), 2);
        let canary = Order {
            strategy: Strategy::Canary { steps: vec![25] },
            pause: Duration::from_secs(30),
            bake: Duration::from_secs(5),
            ..order
        };
        let error = mover.ship(&canary).await.unwrap_err();
        let counts = clients.end().await;
        println!("{fault}: {error}\n{counts:?}");
        match &error {
            RolloutError::WentBack { reason: why, .. } => assert!(why.contains(reason) || fault == "ends", "{why}"),
            other => panic!("{fault}: {other}"),
        }
        let lost: Vec<_> = counts.iter().filter(|((body, status), _)| *status != 200 && body != "bbbb").collect();
        if fault != "ends" {
            assert!(lost.is_empty(), "{fault}: requests failed that were not the canary's: {lost:?}");
        }
        let observed = lab.target.observe(&mover.place).await.unwrap();
        assert_eq!((observed.instances.len(), observed.share), (2, 0), "{fault}: {:?}", observed.instances);
        assert_eq!(ask(port, &mover.domain).await.unwrap(), (200, "aaaa".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_a_rolling_release_loses_no_request_and_leaves_the_old_one_whole_when_it_dies() {
    let lab = Lab::open("rolling").await;
    let mover = Mover::new(&lab, "shop");
    mover.ship(&mover.order("aaaa", app::command(Behaviour::Healthy), 3)).await.unwrap();
    let port = lab.port().await;
    let clients = Clients::start(port, &mover.domain, 4);
    let rolling = |release, behaviour| Order {
        strategy: Strategy::Rolling { batch: Batch::Instances(1) },
        ..mover.order(release, app::command(behaviour), 3)
    };
    mover.ship(&rolling("bbbb", Behaviour::Healthy)).await.unwrap();
    let mut sick = rolling("cccc", Behaviour::Sick);
    sick.desired.release.health.deadline = Duration::from_secs(1);
    assert!(matches!(mover.ship(&sick).await, Err(RolloutError::NeverHealthy { .. })));
    let counts = clients.end().await;
    println!("{counts:?}");
    let names: Vec<&(String, u16)> = counts.keys().collect();
    assert_eq!(names, [&("aaaa".to_owned(), 200), &("bbbb".to_owned(), 200)], "requests were lost");
    let observed = lab.target.observe(&mover.place).await.unwrap();
    assert_eq!(observed.instances.len(), 3, "{:?}", observed.instances);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_the_preview_is_found_by_a_name_that_is_not_local() {
    let lab = Lab::open("look").await;
    let scene = Scene { domain: "shop.example.com".to_owned(), ..Scene::set(&lab, "shop").await };
    scene.prepare().await;
    scene.serve(&rollout("r1"), "aaaa", 1).await;
    scene.stage(&rollout("r2"), "bbbb", 1).await;
    let url = lab.target.observe(&scene.place).await.unwrap().preview.unwrap();
    let (_, preview) = lab.target.ports().await.unwrap().unwrap();
    assert_eq!(url, format!("http://shop.example.com.preview.localhost:{preview}"));
    let request = format!("GET /headers HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.trim_start_matches("http://"));
    let headers = reply(&lab.raw(preview, &request).await).body;
    assert!(headers.contains(&format!("host: shop.example.com:{preview}\n")), "the app sees its own name: {headers}");
    assert_eq!(ask(preview, "shop.example.com").await.unwrap().1, "bbbb");
    scene.answers("aaaa").await;
}
