//! `nonevent check` on real parts: what gates run in, what they see, what is taken from the record, how they are stopped.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::world::{Ended, World};

/// Longer than anything here takes, shorter than a test run's patience.
const PATIENCE: Duration = Duration::from_secs(240);

/// The slugs example with gates that are quick: programs of this test's own.
fn world(gates: &str) -> Gated {
    let world = World::example("flask-requirements");
    let name = unique(&world);
    let off = "lint = false\nformat = false\ntypes = false\nunit = false\nintegration = false\n";
    world.write("nonevent.toml", format!("[app]\nname = \"{name}\"\n\n[gauntlet]\n{off}\n{gates}"));
    world.write("marker.txt", "before\n").commit("gates of the test");
    Gated(world)
}

fn unique(world: &World) -> String {
    let folder = world.project();
    let parent = folder.parent().unwrap().file_name().unwrap().to_string_lossy().to_lowercase();
    format!("check-{}", parent.replace(|character: char| !character.is_ascii_alphanumeric(), ""))
}

/// A run that goes on, read event by event.
struct Going {
    child: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Going {
    fn start(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = world.command(arguments);
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, events) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        Self { child, events, seen: Vec::new() }
    }

    /// Waits for an event of a type that fulfils more.
    fn wait(&mut self, kind: &str, more: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no {kind} among {:#?}", self.seen));
            self.seen.push(event.clone());
            if event["type"] == kind && more(&event["data"]) {
                return event;
            }
        }
    }

    fn gate(&mut self, name: &str) -> Value {
        self.wait("gate_finished", |data| data["gate"] == name)["data"].clone()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    fn end(mut self) -> Ended {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        self.seen.extend(self.events.iter());
        Ended { code, stdout: self.seen.iter().map(|event| format!("{event}\n")).collect(), stderr }
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = std::process::Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn layers(image: &str) -> Vec<String> {
    serde_json::from_str(&docker(&["image", "inspect", "--format", "{{json .RootFS.Layers}}", image])).unwrap()
}

/// A world that takes away what its gates leave on purpose, too: caches and images.
struct Gated(World);

impl std::ops::Deref for Gated {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        let name = unique(&self.0);
        let quietly = |arguments: &[&str]| std::process::Command::new("docker").args(arguments).output();
        let label = format!("label=dev.nonevent.project={name}");
        if let Ok(listed) = quietly(&["image", "ls", "--quiet", "--filter", &label]) {
            for image in String::from_utf8_lossy(&listed.stdout).lines() {
                let _ = quietly(&["image", "rm", "--force", image]);
            }
        }
        let _ = quietly(&["volume", "rm", "--force", &format!("nonevent-{name}-gate-cache")]);
    }
}

fn assert_tested_is_shipped(world: &World) {
    let release = world.json(&["releases"])["releases"][0].clone();
    let evidence = &release["evidence"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
    let shipped = layers(&text(&release["engine_id"]));
    let gate = evidence["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == "probe").unwrap();
    let images = evidence["gate_images"].as_array().unwrap();
    let image = images.iter().find(|image| image["image"] == gate["image"]).unwrap();
    let tested = layers(&text(&image["image"]));
    assert!(!shipped.is_empty() && tested.len() > shipped.len(), "{shipped:?} {tested:?}");
    assert_eq!(tested[..shipped.len()], shipped, "the layers begin with exactly the release's");
    assert_eq!(list(&image["release_layers"]), shipped);
    // The layers of the development wheels are unpacked on a volume, the others are the image's own.
    let above = list(&image["development_layers"]);
    assert!(above.ends_with(&tested[shipped.len()..]), "{above:?} {tested:?}");
    assert_eq!(image["release_image"], release["image"]);
}

#[test]
fn docker_gates_run_on_exactly_the_layers_that_ship() {
    let world = world("probe = { run = \"python -c 'import slugs'\" }\n");
    world.run(&["check"]).ok();
    assert_tested_is_shipped(&world);
}

#[test]
fn docker_gates_run_on_exactly_the_layers_of_a_dockerfile() {
    let world = world("probe = { run = \"python -c 'open(\\\"tests/seen.py\\\").read()'\" }\n");
    world.write("Dockerfile", "FROM python:3.13-slim\nWORKDIR /srv\nCOPY slugs slugs\nCMD [\"python\", \"-m\", \"slugs\"]\n");
    world.write("tests/seen.py", "").commit("a Dockerfile");
    let file = world.project().join("nonevent.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    world.write("nonevent.toml", text.replace("[gauntlet]\n", "[build]\ndockerfile = \"Dockerfile\"\n\n[gauntlet]\n"));
    world.run(&["check"]).ok();
    assert_tested_is_shipped(&world);
}

/// A gate that tells that it runs, waits to be let go, and reads a file of the project.
const WAITS: &str = "probe = { run = [\"python\", \"-u\", \"-c\", \"import os, time; print('waits'); exec('while not os.path.exists(\\\"/tmp/go\\\"): time.sleep(0.05)'); print('read', open('marker.txt').read())\"] }\n";

#[test]
fn docker_gates_see_the_tree_that_was_built() {
    let world = world(WAITS);
    let mut going = Going::start(&world, &["check", "--json", "-v"], &[]);
    going.wait("line", |line| line["text"] == "waits");
    world.write("marker.txt", "after\n");
    let container = format!("nonevent-{}-gate-probe", unique(&world));
    docker(&["exec", &container, "python", "-c", "open('/tmp/go', 'w')"]);
    going.wait("line", |line| line["text"] == "read before");
    assert_eq!(going.gate("probe")["state"]["state"], "green");
    assert_eq!(going.end().code, Some(0));
    // What was proven is the old text: the new one is proven anew.
    let mut going = Going::start(&world, &["check", "--json", "-v"], &[]);
    going.wait("line", |line| line["text"] == "waits");
    docker(&["exec", &container, "python", "-c", "open('/tmp/go', 'w')"]);
    going.wait("line", |line| line["text"] == "read after");
    going.end().ok();
}

#[test]
fn docker_only_what_a_change_concerns_runs_again() {
    let world = world(
        "lint = { run = \"ruff check slugs\" }\nprobe = { run = \"python -c 'import slugs'\" }\n\
         out = { run = \"true\", network = true }\n",
    );
    let file = world.project().join("nonevent.toml");
    let text = std::fs::read_to_string(&file).unwrap().replacen("lint = false\n", "", 1);
    world.write("nonevent.toml", text).commit("with lint");
    let states = |arguments: &[&str]| {
        let mut all = vec!["check", "--json"];
        all.extend_from_slice(arguments);
        let ended = world.run(&all).ok();
        let events = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let gates = events.filter(|event| event["type"] == "gate_finished");
        let mut states: Vec<String> = gates
            .map(|event| {
                let data = &event["data"];
                let when = if data["state"]["at"].is_string() { " at a time" } else { "" };
                format!("{} {}{when}", data["gate"].as_str().unwrap(), data["state"]["state"].as_str().unwrap())
            })
            .collect();
        states.sort();
        states.join(", ")
    };
    assert_eq!(states(&[]), "lint green, out green, probe green");
    assert_eq!(states(&[]), "lint cached at a time, out green, probe cached at a time");
    assert_eq!(states(&["--no-cache"]), "lint green, out green, probe green");
    // A linter does not read it, a test could.
    world.write("marker.txt", "other\n");
    assert_eq!(states(&[]), "lint cached at a time, out green, probe green");
    world.write("slugs/more.py", "\"\"\"More.\"\"\"\n");
    assert_eq!(states(&[]), "lint green, out green, probe green");
    std::fs::remove_file(world.project().join("slugs/more.py")).unwrap();
    assert_eq!(states(&[]), "lint cached at a time, out green, probe cached at a time", "back to what was proven");
    let text = std::fs::read_to_string(&file).unwrap().replace("import slugs", "import slugs.app");
    world.write("nonevent.toml", text.replace("slugs.app", "slugs as app"));
    assert_eq!(states(&[]), "lint cached at a time, out green, probe green", "another command");
}

/// A gate that ignores whatever can be ignored.
const DEAF: &str = "probe = { run = [\"python\", \"-u\", \"-c\", \"import signal, time; signal.signal(15, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN); print('deaf'); time.sleep(600)\"] }\n";

fn gone(world: &World) {
    let label = format!("label=dev.nonevent.project={}", unique(world));
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &label]), "");
}

#[test]
fn docker_a_run_is_stopped_by_a_signal_and_from_another_process() {
    let world = world(DEAF);
    let mut going = Going::start(&world, &["check", "--json", "-v"], &[]);
    going.wait("line", |line| line["text"] == "deaf");
    going.signal(Signal::SIGINT);
    let asked = Instant::now();
    let ended = going.end();
    println!("ended {:?} after Ctrl-C", asked.elapsed());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    gone(&world);

    let mut going = Going::start(&world, &["check", "--json", "-v"], &[]);
    let run = going.wait("run_started", |_| true)["run"].as_str().unwrap().to_owned();
    going.wait("line", |line| line["text"] == "deaf");
    world.run(&["cancel", "no-such-run"]).refused("begins with `no-such-run`");
    let asked = world.run(&["cancel", &run[..20]]).ok();
    assert!(asked.stdout.contains("asked `check`") && asked.stdout.contains(&run), "{}", asked.stdout);
    let asked = Instant::now();
    let ended = going.end();
    println!("ended {:?} after the row", asked.elapsed());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    gone(&world);
    assert!(world.run(&["cancel"]).ok().stdout.contains("nothing goes on"));
}

#[test]
fn docker_watching_runs_what_each_save_concerns() {
    let world = world(WAITS);
    let container = format!("nonevent-{}-gate-probe", unique(&world));
    // The gate may end, and with its container this command, before it has ended by itself.
    let let_go = || {
        std::process::Command::new("docker").args(["exec", &container, "python", "-c", "open('/tmp/go', 'w')"]).output().unwrap()
    };
    let mut going = Going::start(&world, &["check", "--watch", "--json", "-v"], &[]);
    going.wait("line", |line| line["text"] == "waits");
    let_go();
    going.wait("result", |_| true);
    world.write("marker.txt", "second\n");
    let saved = Instant::now();
    going.wait("line", |line| line["text"] == "waits");
    println!("a gate ran {:?} after a save", saved.elapsed());
    // A save while gates run makes their answers old: they begin again, with the newer tree.
    world.write("marker.txt", "third\n");
    going.wait("run_finished", |data| data["state"] == "cancelled");
    going.wait("line", |line| line["text"] == "waits");
    let_go();
    going.wait("line", |line| line["text"] == "read third");
    going.wait("result", |_| true);
    // What was proven is not run again.
    world.write("marker.txt", "second\n").write("marker.txt", "before\n");
    assert_eq!(going.gate("probe")["state"]["state"], "cached");
    going.wait("result", |_| true);
    going.signal(Signal::SIGINT);
    assert_eq!(going.end().code, Some(0));
    gone(&world);
}

const SECRET: &str = "made-up/Secret+value=1234&";

#[test]
fn docker_a_gate_s_secret_is_nowhere() {
    let world = world(
        "probe = { secrets = [\"API_KEY\"], run = [\"python\", \"-u\", \"-c\", \"import base64, os, sys, urllib.parse; key = os.environ['API_KEY']; [print(key[:9], end='', flush=True), print(key[9:])]; print(base64.b64encode(key.encode()), urllib.parse.quote_plus(key)); sys.exit('refused ' + key)\"] }\n",
    );
    world.run(&["check"]).refused("NONEVENT_SECRET_API_KEY");
    let going =
        Going::start(&world, &["check", "--json", "-vv"], &[("NONEVENT_SECRET_API_KEY", SECRET), ("NONEVENT_LOG", "trace")]);
    let ended = going.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("refused ***"), "{}", ended.stdout);
    let mut kept = vec![("output".to_owned(), ended.stdout.into_bytes()), ("errors".to_owned(), ended.stderr.into_bytes())];
    let home = world.project().parent().unwrap().join("home");
    for entry in walk(&home) {
        kept.push((entry.display().to_string(), std::fs::read(&entry).unwrap()));
    }
    assert!(
        kept.iter().any(|(name, _)| name.ends_with("state.db")),
        "{:?}",
        kept.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    let encoded = "bWFkZS11cC9TZWNyZXQrdmFsdWU9MTIzNC";
    for (name, bytes) in &kept {
        for form in [SECRET, encoded, "made-up%2FSecret%2Bvalue"] {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "`{form}` is in {name}");
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found
}
