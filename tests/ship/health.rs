//! Watching what serves: incidents with their causes on a real engine, a watcher that dies, an engine that is out of reach.

use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::logs::Hook;
use crate::watching::Watch;
use crate::world::{World, eventually};

const WATCHED: &str = r#"
[health]
path = "/healthz"
watch_interval = "500ms"
timeout = "5s"
fall = "2 of 3"

[notify]
desktop = false

[environments.local]
replicas = 2

[environments.local.probes.app]
path = "/healthz"
json = "$.status"
equals = "ok"

[environments.local.probes.instances]
container = true
"#;

pub fn docker(arguments: &[&str]) {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A project whose health can be taken away from outside.
fn watched() -> World {
    frail(WATCHED)
}

/// The same with a configuration of its own.
pub fn frail(configuration: &str) -> World {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", format!("{configuration}\n[gauntlet]\nlint = false\nformat = false\ntypes = false\n"));
    world.edit(
        "slugs/app.py",
        "    return jsonify(status=\"ok\")",
        "    import os\n\n    if os.path.exists(\"/tmp/sick\"):\n        raise RuntimeError(\"the well ran dry\")\n    return jsonify(status=\"ok\")",
    );
    world
}

/// Takes the health of instances away, or gives it back.
pub fn make(what: Health, ids: &[String]) {
    for id in ids {
        match what {
            Health::Ill => docker(&["exec", id, "touch", "/tmp/sick"]),
            Health::Well => docker(&["exec", id, "rm", "-f", "/tmp/sick"]),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Health {
    Ill,
    Well,
}

/// How many measurements of a probe are kept: all, and those that failed.
pub fn measured(world: &World, probe: &str) -> (u64, u64) {
    let report = world.json(&["health", "--since", "1h"])["health"].clone();
    let series = report["series"].as_array().unwrap().iter().find(|series| series[0]["name"] == format!("probe:{probe}"));
    let points = series.map(|series| series[1].as_array().unwrap().clone()).unwrap_or_default();
    let sum = |of: &str| points.iter().map(|point| point[of].as_u64().unwrap()).sum();
    (sum("count"), sum("failed"))
}

pub fn instances(world: &World) -> Vec<String> {
    let status = world.status("local");
    status["instances"].as_array().unwrap().iter().map(|instance| instance["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn docker_incidents_have_a_cause_and_an_end_and_outlive_their_watcher() {
    // Nobody listens there before the first watcher is dead.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let world = frail(&format!("{WATCHED}\n[notify.webhook.team]\nurl = \"http://{address}/\"\n"));
    world.run(&["ship"]).ok();
    let release = world.serving("local");
    let ids = instances(&world);
    assert_eq!(ids.len(), 2);
    let mut watch = Watch::start(&world);
    watch.healthy("app");

    docker(&["kill", &ids[0]]);
    let degraded = watch.until("incident_changed", |_| true);
    assert_eq!((&degraded["worst"], &degraded["probe"]), (&"degraded".into(), &"instances".into()), "{degraded}");
    assert!(degraded["finding"].as_str().unwrap().contains("1 of 2 instances run"), "{degraded}");
    assert!(degraded["diagnosis"]["summary"].is_string(), "{degraded}");
    docker(&["start", &ids[0]]);
    let over = watch.until("incident_changed", |told| told["closed_at"].is_string());
    assert_eq!(over["id"], degraded["id"]);

    for id in &ids {
        docker(&["exec", id, "touch", "/tmp/sick"]);
    }
    // On a busy machine the cause may come after the incident.
    let down = watch.until("incident_changed", |told| told["worst"] == "down" && !told["diagnosis"].is_null());
    assert_eq!((&down["release"], &down["probe"]), (&release.as_str().into(), &"app".into()), "{down}");
    assert!(down["finding"].as_str().unwrap().contains("answered 500"), "{down}");
    assert!(down["diagnosis"].to_string().contains("the well ran dry"), "the cause was not found: {down}");
    assert!(down["changes"].to_string().contains(&release), "what changed before is not told: {down}");

    let mut second = Watch::start(&world);
    second.until("watch_waiting", |_| true);
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    let hook = Hook::at(&address);
    second.until("watch_holding", |_| true);
    eventually("that what the dead process owed is told", Duration::from_secs(60), || {
        (hook.count("(local) is down") > 0).then_some(())
    });
    for id in &ids {
        docker(&["exec", id, "rm", "/tmp/sick"]);
    }
    let over = second.until("incident_changed", |told| told["closed_at"].is_string());
    assert_eq!(over["id"], down["id"], "the incident of the process that died was not gone on with");

    eventually("that its end is told", Duration::from_secs(60), || (hook.count("(local) is healthy again") > 0).then_some(()));
    assert_eq!(hook.count("(local) is down"), 1, "what was told once is told again");

    let report = world.json(&["health", "--since", "1h"])["health"].clone();
    assert_eq!(report["incidents"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["state"], "healthy");
    assert!(report["markers"].to_string().contains(&release), "{report}");
    let shown = world.run(&["health", "--since", "1h"]).ok().stdout;
    for word in ["● healthy", "app", "p95", "▲", "down", "degraded"] {
        assert!(shown.contains(word), "`{word}` is not in:\n{shown}");
    }
    world.run(&["down"]).ok();
}

/// Its probe takes longer than the other figures of an environment.
const SLOW: &str = r#"
[health]
path = "/healthz"

[notify]
desktop = false

[environments.local.probes.slow]
command = "sleep 2; test ! -e /tmp/sick"
interval = "500ms"
timeout = "10s"
fall = "1 of 1"
"#;

#[test]
fn docker_an_incident_ends_when_all_is_seen_to_be_well_or_is_taken_away() {
    let world = frail(SLOW);
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let mut watch = Watch::start(&world);
    watch.healthy("slow");
    make(Health::Ill, &ids);
    let down = watch.until("incident_changed", |_| true);
    assert_eq!((&down["worst"], &down["probe"]), (&"down".into(), &"slow".into()), "{down}");
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();

    // The disk is seen to be well at once, which says nothing about what fails.
    let mut next = Watch::start(&world);
    next.until_without("verdict_changed", "incident_changed", |told| told["probe"] == "disk");
    next.until_without("verdict_changed", "incident_changed", |told| told["probe"] == "slow" && told["to"] == "down");
    world.run(&["down"]).ok();
    let over = next.until("incident_changed", |told| told["closed_at"].is_string());
    assert_eq!(over["id"], down["id"]);
    let report = world.json(&["health", "--since", "1h"])["health"].clone();
    assert_eq!(report["incidents"].as_array().unwrap().len(), 1, "{report}");
}

/// A way to the engine that can be cut.
pub struct Cable {
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Cable {
    pub fn lay(at: &Path) -> Self {
        let listener = UnixListener::bind(at).unwrap();
        let open: Arc<Mutex<Vec<UnixStream>>> = Arc::default();
        let kept = Arc::clone(&open);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = UnixStream::connect("/var/run/docker.sock").unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
                kept.lock().unwrap().extend([near, far]);
            }
        });
        Self { open }
    }

    pub fn cut(&self, at: &Path) {
        std::fs::remove_file(at).unwrap();
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

#[test]
fn docker_an_engine_out_of_reach_is_unknown_and_no_outage() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let cable = Cable::lay(&socket);
    let world = watched();
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let mut command = world.command(&["watch", "--json"]);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    let mut watch = Watch::of(command);
    watch.healthy("app");
    cable.cut(&socket);
    for id in &ids {
        docker(&["kill", id]);
    }
    let told =
        watch.until_without("verdict_changed", "incident_changed", |told| told["probe"] == "app" && told["to"] == "unknown");
    assert!(told["finding"].as_str().unwrap().contains("engine"), "{told}");
    eventually("that the state is kept", Duration::from_secs(30), || {
        let report = world.json(&["health", "--since", "1h"])["health"].clone();
        assert_eq!(report["incidents"].as_array().unwrap().len(), 0, "{report}");
        (report["state"] == "unknown").then_some(())
    });
}
