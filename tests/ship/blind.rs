//! A laptop without a network, asleep, or with a clock that was set, sees nothing: what it does not see is no outage.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::health::{Health, docker, frail, instances, make, measured};
use crate::notify::Desktop;
use crate::watching::Watch;
use crate::world::{World, eventually};

const LIMIT: Duration = Duration::from_secs(90);
/// Longer than what passes for a slow machine.
const NAP: Duration = Duration::from_secs(17);

const CONFIGURATION: &str = r#"
[health]
path = "/healthz"
watch_interval = "500ms"
timeout = "2s"
fall = "2 of 3"

[logs]
new_exceptions = false
"#;

fn reported(world: &World) -> Value {
    world.json(&["health", "--since", "1h"])["health"].clone()
}

fn incidents(world: &World) -> usize {
    reported(world)["incidents"].as_array().unwrap().len()
}

fn becomes(world: &World, state: &str) {
    eventually(&format!("that it becomes {state}"), LIMIT, || (reported(world)["state"] == state).then_some(()));
}

fn answers(world: &World) {
    eventually("that the app answers", LIMIT, || (world.get("local", "/healthz").0 == 200).then_some(()));
}

/// Waits until so many more measurements are kept.
fn more(world: &World, count: u64) {
    let before = measured(world, "app").0;
    eventually("more measurements", LIMIT, || (measured(world, "app").0 >= before + count).then_some(()));
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A network of its own, whose only link leads to this machine.
struct Network {
    name: String,
    link: String,
    near: String,
    far: String,
}

impl Network {
    fn lay() -> Self {
        // Of 198.18.0.0/15, which is for measurements (RFC 2544).
        let number = std::process::id() % 16_384;
        let (high, low) = (number / 64, number % 64 * 4);
        let network = Self {
            name: format!("nonevent-{number}"),
            link: format!("ne{number}b"),
            near: format!("198.18.{high}.{}", low + 1),
            far: format!("198.18.{high}.{}", low + 2),
        };
        let (name, link, other) = (network.name.as_str(), network.link.as_str(), format!("ne{number}a"));
        run("ip", &["netns", "add", name]);
        run("ip", &["link", "add", &other, "type", "veth", "peer", "name", link, "netns", name]);
        run("ip", &["address", "add", &format!("{}/30", network.near), "dev", &other]);
        run("ip", &["link", "set", &other, "up"]);
        run("ip", &["-n", name, "address", "add", &format!("{}/30", network.far), "dev", link]);
        run("ip", &["-n", name, "link", "set", "lo", "up"]);
        network.plug("up");
        network
    }

    fn plug(&self, state: &str) {
        run("ip", &["-n", &self.name, "link", "set", &self.link, state]);
    }

    /// The same command within it.
    fn within(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name]).arg(command.get_program()).args(command.get_args());
        inside.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Its links go with it.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

/// Passes on what comes at an address of this machine; returns its port.
fn passage(from: &str, to: String) -> u16 {
    let listener = TcpListener::bind((from, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(&to) else { continue };
            for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    let _ = copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    port
}

#[test]
fn docker_a_laptop_without_a_network_sees_nothing_and_tells_of_no_outage() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let network = Network::lay();
    let (address, host) = world.address("local");
    let port = passage(&network.near, address);
    let neighbour = passage(&network.near, "127.0.0.1:9".into());
    let configuration = std::fs::read_to_string(world.project().join("nonevent.toml")).unwrap();
    world.write(
        "nonevent.toml",
        configuration.replace("[health]", &format!("[health]\nneighbours = [\"{}:{neighbour}\"]", network.near))
            + &format!(
                "\n[environments.local.probes.app]\nurl = \"http://{}:{port}/healthz\"\nheaders = {{ Host = \"{host}\" }}\n",
                network.near
            ),
    );
    let mut watch = Watch::of(network.within(&desktop.with(world.command(&["watch", "--json"]))));
    watch.healthy("app");

    network.plug("down");
    make(Health::Ill, &ids);
    let told =
        watch.until_without("verdict_changed", "incident_changed", |told| told["probe"] == "app" && told["to"] == "unknown");
    assert!(told["finding"].as_str().unwrap().contains("no network"), "{told}");
    let unseen = |world: &World| {
        let report = reported(world);
        let series = report["series"].as_array().unwrap().iter().find(|series| series[0]["name"] == "probe:app").unwrap();
        series[1].as_array().unwrap().iter().map(|point| point["unseen"].as_u64().unwrap()).sum::<u64>()
    };
    eventually("that it goes on seeing nothing", LIMIT, || (unseen(&world) > 6).then_some(()));
    assert_eq!((reported(&world)["state"].clone(), incidents(&world), desktop.count()), ("unknown".into(), 0, 0));

    // It was well again before anybody could see it.
    make(Health::Well, &ids);
    answers(&world);
    network.plug("up");
    watch.healthy("app");
    assert_eq!((incidents(&world), desktop.count()), (0, 0));

    // What is seen is told.
    make(Health::Ill, &ids);
    eventually("a notification", LIMIT, || (desktop.count() > 0).then_some(()));
    assert_eq!(incidents(&world), 1);
}

fn signal(watch: &Watch, signal: &str) {
    run("kill", &[signal, &watch.child.id().to_string()]);
}

#[test]
fn docker_a_laptop_that_sleeps_makes_no_outage() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let mut watch = Watch::of(desktop.with(world.command(&["watch", "--json"])));
    watch.healthy("app");

    // The app was away and is back before it wakes up.
    signal(&watch, "-STOP");
    docker(&["stop", &ids[0]]);
    std::thread::sleep(NAP);
    docker(&["start", &ids[0]]);
    answers(&world);
    signal(&watch, "-CONT");
    watch.until_without("verdict_changed", "incident_changed", |told| told["to"] == "unknown");
    watch.healthy("app");
    more(&world, 6);
    let report = reported(&world);
    assert_eq!((report["incidents"].as_array().unwrap().len(), desktop.count()), (0, 0), "{report}");
    let gaps = report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "the time is not told as a gap: {gaps:?}");
    let slept = gaps[0]["to"].as_i64().unwrap() - gaps[0]["from"].as_i64().unwrap();
    assert!(slept >= i64::try_from(NAP.as_millis()).unwrap(), "{gaps:?}");

    // The app is away when it wakes up: that is told once it was seen so, and not of the time before.
    signal(&watch, "-STOP");
    make(Health::Ill, &ids);
    std::thread::sleep(NAP);
    let woke = jiff::Timestamp::now();
    signal(&watch, "-CONT");
    let incident = watch.until("incident_changed", |_| true);
    assert!(incident["opened_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() > woke, "{incident}");
    eventually("a notification", LIMIT, || (desktop.count() == 1).then_some(()));
}

/// The library that tells a process another time than it is; its clock that only goes on is left alone.
fn faketime() -> PathBuf {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    let files = folders.iter().map(|folder| PathBuf::from(folder).join("faketime/libfaketimeMT.so.1"));
    files
        .into_iter()
        .find(|file| file.exists())
        .expect("this test needs libfaketime: `scripts/bootstrap test` installs `faketime`")
}

#[test]
fn docker_a_clock_that_is_set_makes_no_outage() {
    let desktop = Desktop::start();
    let world = frail(CONFIGURATION);
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    // A file that is replaced is always read whole.
    let set = |offset: &str| {
        let next = folder.path().join("next");
        std::fs::write(&next, offset).unwrap();
        std::fs::rename(next, &clock).unwrap();
    };
    set("+0s");
    let mut command = desktop.with(world.command(&["watch", "--json"]));
    command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", &clock);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    let mut watch = Watch::of(command);
    watch.healthy("app");
    for offset in ["-40m", "+0s", "+20m", "+0s"] {
        set(offset);
        watch.until_without("verdict_changed", "incident_changed", |told| told["to"] == "unknown");
        watch.healthy("app");
    }
    let report = reported(&world);
    assert_eq!((incidents(&world), desktop.count()), (0, 0), "{report}");
    // What the clock left out nobody watched; what it was ahead is yet to come.
    let gaps = report["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap["to"].as_i64() <= report["to"].as_i64()), "{report}");
    becomes(&world, "healthy");

    // Whatever the clock says, it goes on watching.
    set("-30m");
    watch.until_without("verdict_changed", "incident_changed", |told| told["to"] == "unknown");
    watch.healthy("app");
    make(Health::Ill, &ids);
    eventually("a notification", LIMIT, || (desktop.count() == 1).then_some(()));
    let shown = desktop.shown();
    assert!(shown[0].title.ends_with("(local) is down"), "{shown:?}");
    make(Health::Well, &ids);
    eventually("that its end is told", LIMIT, || (desktop.count() == 2).then_some(()));
    let shown = desktop.shown();
    assert!(shown[1].title.ends_with("(local) is healthy again"), "{shown:?}");
}
