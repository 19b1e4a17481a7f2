//! Real kills: at every step of a real rollout's journal the process is killed, or the proxy, or the engine. What answers meanwhile is the
//! old version or the new one, and whoever comes next leaves exactly one whole release and nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::going::Going;
use crate::own_engine::OwnEngine;
use crate::world::{World, eventually};

const PROJECT: &str = "[project]\nname = \"clock\"\nversion = \"1.0\"\nrequires-python = \">=3.11\"\ndependencies = []\n";
const LOCK: &str = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"clock\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n";
const APP: &str = r#"
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = os.environ["VERSION"].encode()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    def log_message(self, *arguments):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8000), Answer).serve_forever()
"#;

/// A step of a rollout, told before it is done or after.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    event: &'static str,
    position: u64,
    step: String,
}

impl Moment {
    fn of(line: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(line).ok()?;
        let event = ["step_started", "step_finished"].into_iter().find(|event| told["type"] == *event)?;
        let data = &told["data"];
        Some(Self { event, position: data["position"].as_u64()?, step: data["step"].as_str()?.to_owned() })
    }
}

/// A tiny app, whose version is a variable of its environment: each version is a rollout without a build.
pub struct Clock {
    pub world: World,
    environment: String,
    replicas: usize,
    version: u32,
}

impl Clock {
    /// Makes one, and ships its first version.
    pub fn shipped(world: World, replicas: usize, environment: &str) -> Self {
        world.write("pyproject.toml", PROJECT).write("uv.lock", LOCK).write("main.py", APP);
        let mut clock = Self { world, environment: environment.to_owned(), replicas, version: 0 };
        clock.next();
        clock.world.run(&["ship", "--allow-untested"]).ok();
        clock
    }

    /// Configures another version.
    pub fn next(&mut self) {
        self.version += 1;
        let (version, replicas, environment) = (self.version, self.replicas, &self.environment);
        self.world.write(
            "nonevent.toml",
            format!(
                "[app]\ncommand = [\"python\", \"main.py\"]\nport = 8000\n\n[health]\npath = \"/\"\ninterval = \"200ms\"\n\n\
                 [environments.local]\nreplicas = {replicas}\n{environment}\nenv = {{ VERSION = \"v{version}\" }}\n"
            ),
        );
    }

    /// Changes its source: the next ship builds another release.
    pub fn change(&self, word: &str) {
        self.world.write("main.py", format!("{APP}# {word}\n"));
    }

    /// Every moment of a rollout that ends well.
    fn moments(&mut self) -> Vec<Moment> {
        self.next();
        let shipped = self.world.run(&["ship", "--allow-untested", "--json"]).ok();
        let moments: Vec<Moment> = shipped.stdout.lines().filter_map(Moment::of).collect();
        assert!(moments.len() >= 14, "a rollout of {} moments:\n{}", moments.len(), shipped.stdout);
        moments
    }

    /// Begins the rollout of another version, up to this moment.
    fn up_to(&mut self, moment: &Moment) -> Going {
        self.next();
        let mut going = Going::start(&self.world, "home", &["ship", "--allow-untested", "--json"]);
        going.until_line(&format!("{moment:?}"), |line| Moment::of(line).as_ref() == Some(moment));
        going
    }

    /// The versions that may answer while one replaces the other.
    fn versions(&self) -> [String; 2] {
        [format!("v{}", self.version - 1), format!("v{}", self.version)]
    }

    /// Where it answers.
    pub fn site(&self) -> Site {
        let (address, host) = self.world.address("local");
        Site { address, host }
    }

    /// Asserts that the version of the configuration is there, whole, and nothing besides.
    pub fn whole(&self, site: &Site, what: &str) {
        let status = self.world.status("local");
        assert_eq!(status["health"], "healthy", "{what}: {status}");
        assert_eq!(status["instances"].as_array().unwrap().len(), self.replicas, "{what}: {status}");
        assert_eq!(site.ask(), Ok(format!("v{}", self.version)), "{what}");
        // The proxy and the instances; neither lock nor leftovers.
        assert_eq!(self.world.left("container").len(), 1 + self.replicas, "{what}: something was left");
        let history = self.world.json(&["history"]);
        for state in ["running", "baking"] {
            assert!(!history.to_string().contains(&format!("\"state\":\"{state}\"")), "{what}: {history}");
        }
    }
}

/// Where the app answers.
#[derive(Clone)]
pub struct Site {
    address: String,
    host: String,
}

impl Site {
    /// Asks once, on a connection of its own; what is no 200 is an error.
    pub fn ask(&self) -> Result<String, String> {
        let answer = || {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            stream.write_all(format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host).as_bytes())?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok::<String, std::io::Error>(text)
        };
        let text = answer().map_err(|error| error.to_string())?;
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.0 200") => Ok(body.to_owned()),
            _ => Err(text),
        }
    }
}

/// Asks all the time, in a thread of its own.
struct Probe {
    asked: Arc<AtomicU64>,
    wrong: Arc<Mutex<Vec<String>>>,
    allowed: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Probe {
    fn start(site: &Site) -> Self {
        let (asked, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (wrong, allowed) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let thread = std::thread::spawn({
            let (site, asked, wrong, allowed, stop) =
                (site.clone(), Arc::clone(&asked), Arc::clone(&wrong), Arc::clone(&allowed), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = site.ask();
                    let may = allowed.lock().unwrap().clone();
                    if !answer.as_ref().is_ok_and(|version| may.contains(version)) {
                        wrong.lock().unwrap().push(format!("{answer:?}, where {may:?} may answer"));
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        });
        Self { asked, wrong, allowed, stop, thread }
    }

    fn allow(&self, versions: &[String]) {
        *self.allowed.lock().unwrap() = versions.to_vec();
    }

    /// Waits for so many answers more, and asserts that all answers so far were right.
    fn goes_on(&self, more: u64, what: &str) {
        let asked = self.asked.load(Ordering::Relaxed);
        eventually("answers", Duration::from_secs(60), || (self.asked.load(Ordering::Relaxed) >= asked + more).then_some(()));
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.asked.load(Ordering::Relaxed)
    }
}

/// Kills the process at each of these moments; the next start is a ship, a recovery, and another laptop's, in turn.
fn kill_at(clock: &mut Clock, moments: &[Moment]) {
    let site = clock.site();
    let probe = Probe::start(&site);
    for (number, moment) in moments.iter().enumerate() {
        let what = format!("killed at {moment:?}");
        let both = [format!("v{}", clock.version), format!("v{}", clock.version + 1)];
        probe.allow(&both);
        let going = clock.up_to(moment);
        going.kill();
        assert_eq!(clock.versions(), both);
        probe.goes_on(20, &what);
        match number % 3 {
            0 => {}
            1 => {
                clock.world.run(&["recover"]).ok();
                probe.goes_on(5, &what);
            }
            // Another home knows nothing of it; its ship leaves the first one's journal to the first one.
            _ => {
                clock.world.run_from("other", &["ship", "--allow-untested"]).ok();
            }
        }
        clock.world.run(&["ship", "--allow-untested"]).ok();
        probe.goes_on(5, &what);
        probe.allow(&both[1..]);
        clock.whole(&site, &what);
    }
    println!("{} answers, all of them right, while {} processes were killed", probe.end(), moments.len());
}

/// Every other moment: each step once, before it and after it in turn.
fn each_step_once(moments: &[Moment]) -> Vec<Moment> {
    let (before, after): (Vec<_>, Vec<_>) = moments.iter().cloned().partition(|moment| moment.event == "step_started");
    let pairs = before.into_iter().zip(after).enumerate();
    pairs.map(|(number, (before, after))| if number % 2 == 0 { before } else { after }).collect()
}

fn started(moments: &[Moment], steps: &[&str]) -> Vec<Moment> {
    let wanted = |step: &&str| {
        let found = moments.iter().find(|moment| moment.event == "step_started" && moment.step == **step);
        found.unwrap_or_else(|| panic!("no {step} in {moments:?}")).clone()
    };
    steps.iter().map(|step| wanted(step)).collect()
}

const NAMED: [&str; 4] = ["start", "await", "switch", "retire"];

/// What goes wrong while a process waits to go on.
struct Misfortune<'a> {
    happens: &'a dyn Fn(),
    /// Brings back what a person would bring back.
    mends: &'a dyn Fn(),
}

/// Lets a misfortune happen at each of these moments. What serves need not answer in the meantime; afterwards it does, and the rollout
/// has ended with a clear word, or well.
fn strike_at(clock: &mut Clock, moments: &[Moment], misfortune: &Misfortune<'_>) {
    for moment in moments {
        let what = format!("struck at {moment:?}");
        let going = clock.up_to(moment);
        // Stopped, so that it meets the misfortune at this very step.
        going.signal("-STOP");
        (misfortune.happens)();
        going.signal("-CONT");
        let (code, said) = going.end();
        assert!(matches!(code, Some(0 | 1)), "{what}: it ended with {code:?}:\n{said}");
        assert!(!said.contains("panicked"), "{what}:\n{said}");
        (misfortune.mends)();
        let site = eventually("what serves", Duration::from_secs(60), || {
            let status = clock.world.run(&["status", "--json"]);
            (status.code == Some(0) && clock.world.status("local")["url"].is_string()).then(|| clock.site())
        });
        let versions = clock.versions();
        eventually(&format!("{what}: an answer"), Duration::from_secs(60), || {
            site.ask().ok().map(|version| assert!(versions.contains(&version), "{what}: {version} answers"))
        });
        clock.world.run(&["ship", "--allow-untested"]).ok();
        clock.whole(&clock.site(), &what);
    }
}

fn docker(host: Option<&str>, arguments: &[&str]) -> String {
    let mut command = Command::new("docker");
    if let Some(host) = host {
        command.env("DOCKER_HOST", host);
    }
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The proxy's process dies, and the engine starts it again.
fn strike_the_proxy(clock: &mut Clock, host: Option<&str>, moments: &[Moment]) {
    let (proxy, host) = (clock.world.proxy(), host.map(str::to_owned));
    let happens = || {
        let pid = docker(host.as_deref(), &["inspect", "--format", "{{.State.Pid}}", &proxy]);
        let killed = Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        assert!(
            killed.success(),
            "the proxy's process {pid} could not be killed: this test runs on the engine's machine, as root"
        );
    };
    strike_at(clock, moments, &Misfortune { happens: &happens, mends: &|| {} });
}

/// Somebody stops the proxy by hand: the engine leaves it so, and a person starts it again, or the next rollout does.
fn stop_the_proxy(clock: &mut Clock, host: Option<&str>, moments: &[Moment]) {
    let (proxy, host) = (clock.world.proxy(), host.map(str::to_owned));
    let happens = || drop(docker(host.as_deref(), &["kill", &proxy]));
    let mends = || drop(docker(host.as_deref(), &["start", &proxy]));
    strike_at(clock, moments, &Misfortune { happens: &happens, mends: &mends });
}

/// The engine and all of its containers end, as by a power cut; it starts again.
fn strike_the_engine(clock: &mut Clock, engine: OwnEngine, moments: &[Moment]) {
    strike_at(clock, moments, &Misfortune { happens: &|| drop(engine.run("crash")), mends: &|| drop(engine.run("up")) });
}

#[test]
fn docker_a_kill_at_each_step_of_a_rollout_leaves_one_whole_release() {
    let mut clock = Clock::shipped(World::empty(), 1, "");
    let moments = clock.moments();
    kill_at(&mut clock, &each_step_once(&moments));
}

#[test]
fn docker_a_proxy_that_dies_at_four_steps_is_survived() {
    let mut clock = Clock::shipped(World::empty(), 1, "");
    let moments = clock.moments();
    strike_the_proxy(&mut clock, None, &started(&moments, &NAMED[..2]));
    stop_the_proxy(&mut clock, None, &started(&moments, &NAMED[2..]));
}

#[test]
fn docker_an_engine_that_dies_at_four_steps_is_survived() {
    let engine = OwnEngine::named("kills");
    let host = engine.up();
    {
        let mut clock = Clock::shipped(World::empty().on(&host), 1, "");
        let moments = clock.moments();
        strike_the_engine(&mut clock, engine, &started(&moments, &NAMED));
    }
    engine.run("purge");
}

/// What `make soak` adds: every step, before and after, each strategy, both stores of a current engine.
mod soak {
    use super::{Clock, Moment, OwnEngine, World, kill_at, stop_the_proxy, strike_the_engine, strike_the_proxy};

    /// Each strategy, with as many replicas as it needs to be one.
    const STRATEGIES: [(&str, usize, &str); 3] = [
        ("blue-green", 1, "bake = \"1s\""),
        ("rolling", 3, "strategy = \"rolling\"\nbatch = 1\npause = \"500ms\""),
        ("canary", 2, "strategy = \"canary\"\nsteps = [20, 60]\npause = \"500ms\"\nbake = \"1s\""),
    ];

    fn matrix(engine: OwnEngine) {
        let host = engine.up();
        for (name, replicas, environment) in STRATEGIES {
            let mut clock = Clock::shipped(World::empty().on(&host), replicas, environment);
            let moments = clock.moments();
            println!("{name} on {host}: {} moments", moments.len());
            kill_at(&mut clock, &moments);
            let before: Vec<Moment> = moments.into_iter().filter(|moment| moment.event == "step_started").collect();
            strike_the_proxy(&mut clock, Some(&host), &before);
            stop_the_proxy(&mut clock, Some(&host), &before);
            strike_the_engine(&mut clock, engine, &before);
        }
        engine.run("down");
    }

    #[test]
    #[ignore = "takes half an hour: `make soak`"]
    fn docker_every_step_of_every_strategy_on_overlay2() {
        matrix(OwnEngine::current("overlay2"));
    }

    #[test]
    #[ignore = "takes half an hour: `make soak`"]
    fn docker_every_step_of_every_strategy_on_containerd_s_store() {
        matrix(OwnEngine::current("containerd"));
    }
}
