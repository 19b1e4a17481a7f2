//! Every kind of probe, and the figures beside them, on what serves on a real engine.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::health::instances;
use crate::watching::Watch;
use crate::world::{World, eventually};

const LIMIT: Duration = Duration::from_secs(90);

const ROUTES: &str = r#"@app.get("/moved")
def moved() -> ResponseReturnValue:
    return "", 302, {"Location": "/healthz"}


@app.get("/slow")
def slow() -> str:
    import time

    time.sleep(0.6)
    return "at last"


@app.get("/whose")
def whose() -> str:
    return request.headers.get("X-Whose", "")


@app.get("/healthz")"#;

const SETTINGS: &str = r#"
[notify]
desktop = false

[gauntlet]
lint = false
format = false
types = false

[health]
path = "/healthz"
watch_interval = "500ms"
timeout = "5s"
fall = "1 of 1"
recover = "1 of 1"
"#;

/// What is written of each probe, and the verdict that it leads to.
const PROBES: &[(&str, &str, &str)] = &[
    ("text", r#"path = "/healthz", body = "\"ok\"""#, "healthy"),
    ("other-text", r#"path = "/healthz", body = "ill""#, "down"),
    ("field", r#"path = "/healthz", json = "$.status", equals = "ok""#, "healthy"),
    ("other-field", r#"path = "/healthz", json = "$.status", equals = "ill""#, "down"),
    ("refusal", r#"path = "/slugs", status = 400"#, "healthy"),
    ("other-status", r#"path = "/healthz", status = [201, 204]"#, "down"),
    ("header", r#"path = "/whose", headers = { X-Whose = "ours" }, body = "ours""#, "healthy"),
    ("slow", r#"path = "/slow", latency = "300ms""#, "degraded"),
    ("patient", r#"path = "/slow", latency = "4s""#, "healthy"),
    ("hasty", r#"path = "/slow", timeout = "200ms""#, "down"),
    ("moved", r#"path = "/moved", redirects = 1"#, "healthy"),
    ("not-moved", r#"path = "/moved""#, "down"),
    ("certificate", r#"url = "SECURE/healthz", certificate_days = 1"#, "healthy"),
    ("old-certificate", r#"url = "SECURE/healthz", certificate_days = 3650"#, "degraded"),
    ("port", r#"tcp = "PORT""#, "healthy"),
    ("command", r#"command = "test -e /etc/passwd""#, "healthy"),
    ("other-command", r#"command = "test -e /nowhere", process = "web""#, "down"),
    ("containers", r#"container = true"#, "healthy"),
];

fn told(watch: &mut Watch, probe: &str, verdict: &str) -> Option<Value> {
    watch.heard("verdict_changed").into_iter().find(|told| told["probe"] == probe && told["to"] == verdict)
}

#[test]
fn docker_every_kind_of_probe_finds_what_it_measures() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", SETTINGS);
    world.edit("slugs/app.py", "@app.get(\"/healthz\")", ROUTES);
    world.run(&["ship"]).ok();
    let ids = instances(&world);
    let secure = world.status("local")["https_url"].as_str().expect("it answers by HTTPS").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().to_string();
    let lines = PROBES.iter().map(|(name, probe, _)| format!("{name} = {{ {probe} }}\n"));
    let probes = lines.collect::<String>().replace("SECURE", &secure).replace("PORT", &port);
    world.write("nonevent.toml", format!("{SETTINGS}\n[environments.local.probes]\n{probes}"));

    let mut watch = Watch::start(&world);
    for (probe, _, verdict) in PROBES {
        eventually(&format!("that `{probe}` is {verdict}"), LIMIT, || told(&mut watch, probe, verdict));
    }
    for (probe, word) in [("slow", "ms"), ("old-certificate", "certificate"), ("not-moved", "302"), ("hasty", "no answer")] {
        let (_, _, verdict) = PROBES.iter().find(|(name, _, _)| *name == probe).unwrap();
        let told = told(&mut watch, probe, verdict).unwrap();
        assert!(told["finding"].as_str().unwrap().contains(word), "{told}");
    }

    drop(listener);
    let told_of_port = eventually("that nothing listens any more", LIMIT, || told(&mut watch, "port", "down"));
    assert!(told_of_port["finding"].as_str().unwrap().contains(&port), "{told_of_port}");
    // Its init ends with what it had started, maybe before this command does, and the engine starts it again.
    let end = ["exec", &ids[0], "python", "-c", "import os, signal; os.kill(-1, signal.SIGKILL)"];
    Command::new("docker").args(end).status().unwrap();
    let again = eventually("that a restart is told", LIMIT, || told(&mut watch, "containers", "degraded"));
    assert!(again["finding"].as_str().unwrap().contains("instances"), "{again}");
}

#[test]
fn docker_the_figures_of_what_serves_are_those_of_the_engine() {
    let world = World::example("flask-requirements");
    world.write("nonevent.toml", SETTINGS);
    world.run(&["ship"]).ok();
    let mut watch = Watch::start(&world);
    watch.healthy("app");
    let most = |name: &str| {
        let report = world.json(&["health", "--since", "1h"])["health"].clone();
        let series = report["series"].as_array().unwrap().iter().find(|series| series[0]["name"] == name)?.clone();
        series[1].as_array().unwrap().iter().filter_map(|point| point["max"].as_u64()).max()
    };
    let seen = |name: &str, is: &dyn Fn(u64) -> bool| {
        eventually(&format!("a figure of {name}"), LIMIT, || most(name).filter(|most| is(*most)));
    };
    seen("requests", &|requests| requests > 0);
    seen("p95", &|p95| p95 > 0);
    // Python and an app take more than 10 MB of it, and less than all.
    seen("memory", &|bytes| bytes > 10_000_000);
    seen("memory_share", &|share| (1..1000).contains(&share));
    seen("cpu", &|millicores| millicores > 0);
    seen("disk_free", &|bytes| bytes > 1_000_000);
    assert_eq!((most("restarts"), most("errors")), (Some(0), Some(0)));
}
