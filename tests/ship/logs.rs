//! What instances print is kept, every line once: over rollouts, a watcher that is killed, and an engine that was out of reach.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::health::Cable;
use crate::world::{World, eventually};

pub const PROJECT: &str = "[project]\nname = \"teller\"\nversion = \"1.0\"\nrequires-python = \">=3.11\"\ndependencies = []\n";
pub const LOCK: &str = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"teller\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n";
/// Made up; every instance prints it with its last line.
const TOKEN: &str = "made-up-token-1234";
/// Numbers its lines on both streams, tells an exception at each hundredth, and says how far it came when it is stopped.
const APP: &str = r#"
import json
import os
import signal
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


def fail(number):
    raise ValueError(f"number {number}")


stopped = threading.Event()


def tell(stream):
    number = 0
    while not stopped.is_set():
        level = "warning" if number % 50 == 0 else "info"
        print(json.dumps({"event": "a number", "level": level, "n": number}), file=stream, flush=True)
        if number % 100 == 99:
            try:
                fail(number)
            except ValueError:
                print(traceback.format_exc(), end="", file=stream, flush=True)
        number += 1
        time.sleep(0.005)
    print(json.dumps({"event": "the last one", "level": "info", "n": number, "token": os.environ["TOKEN"]}), file=stream, flush=True)


tellers = [threading.Thread(target=tell, args=[stream]) for stream in (sys.stdout, sys.stderr)]


def stop(*_):
    stopped.set()
    for teller in tellers:
        teller.join()
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
for teller in tellers:
    teller.start()


class Server(ThreadingHTTPServer):
    def handle_error(self, *arguments):
        pass


Server(("0.0.0.0", 8000), Answer).serve_forever()
"#;

/// An address to which notices are posted.
pub struct Hook {
    pub url: String,
    posted: Arc<Mutex<String>>,
}

impl Hook {
    pub fn open() -> Self {
        Self::at("127.0.0.1:0")
    }

    pub fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let posted: Arc<Mutex<String>> = Arc::default();
        let kept = Arc::clone(&posted);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
                let (mut request, mut part) = (String::new(), [0; 4096]);
                while !request.contains("\r\n\r\n{") || !request.ends_with('}') {
                    match stream.read(&mut part) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => request.push_str(&String::from_utf8_lossy(&part[..count])),
                    }
                }
                kept.lock().unwrap().push_str(&request);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        Self { url, posted }
    }

    pub fn count(&self, text: &str) -> usize {
        self.posted().matches(text).count()
    }

    /// All that was posted.
    pub fn posted(&self) -> String {
        self.posted.lock().unwrap().clone()
    }
}

struct Watcher(Child);

impl Watcher {
    fn start(world: &World, host: Option<&str>) -> Self {
        let mut command = world.command(&["watch", "--json"]);
        if let Some(host) = host {
            command.env("DOCKER_HOST", host);
        }
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Ends it with -9.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn version(world: &World, version: u32, hook: &str) {
    world.write(
        "nonevent.toml",
        format!(
            "[app]\ncommand = [\"python\", \"main.py\"]\nport = 8000\n\n[health]\npath = \"/\"\ninterval = \"200ms\"\n\n[notify]\ndesktop = false\n\n\
             [notify.webhook.test]\nurl = \"{hook}\"\n\n[logs]\nerrors = \"2 in 1m\"\n\n\
             [environments.local]\nenv = {{ VERSION = \"v{version}\" }}\nbake = \"1s\"\n\n\
             [environments.local.secrets]\nTOKEN = {{ command = \"echo {TOKEN}\" }}\n"
        ),
    );
}

/// Asks what is kept, of an engine that is not there: nothing is read on by asking.
fn kept(world: &World, arguments: &[&str]) -> (Vec<Value>, Value) {
    let mut command = world.command(arguments);
    let output = command.env("DOCKER_HOST", "unix:///nowhere/engine.sock").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read(&String::from_utf8_lossy(&output.stdout))
}

/// The records and the result of `logs --json`.
fn read(stdout: &str) -> (Vec<Value>, Value) {
    let mut objects: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let result = objects.pop().unwrap_or_default();
    (objects.into_iter().map(|object| object["data"].clone()).collect(), result["data"].clone())
}

/// When the last line that is kept was printed.
fn last(world: &World) -> Option<Timestamp> {
    kept(world, &["logs", "--since", "1h", "-n", "1", "--json"]).1["reach"]["last"].as_str()?.parse().ok()
}

/// Waits until the watcher has kept more.
fn grows(world: &World, what: &str) {
    let now = Timestamp::now();
    eventually(what, Duration::from_secs(60), || last(world).filter(|last| *last > now));
}

/// Every record, page by page.
fn all(world: &World) -> Vec<Value> {
    let mut records = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let mut arguments = vec!["logs", "--since", "2h", "-n", "3000", "--json"];
        if let Some(before) = &before {
            arguments.extend(["--before", before]);
        }
        let (page, result) = read(&world.run(&arguments).ok().stdout);
        records.extend(page);
        match result["next"].as_str() {
            Some(next) => before = Some(next.to_owned()),
            None => return records,
        }
    }
}

fn field(record: &Value, name: &str) -> Option<String> {
    let fields = record["fields"].as_array()?;
    Some(fields.iter().find(|field| field["name"] == name)?["value"].as_str()?.to_owned())
}

#[test]
fn docker_every_line_is_kept_once_whatever_happens_to_whoever_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let hook = Hook::open();
    let world = World::empty();
    world.write("pyproject.toml", PROJECT).write("uv.lock", LOCK).write("main.py", APP);
    version(&world, 1, &hook.url);
    world.run(&["ship", "--allow-untested"]).ok();
    let first = world.serving("local");

    // Killed while it keeps; what it had not kept yet is there all the same.
    let watcher = Watcher::start(&world, None);
    grows(&world, "that the watcher goes on");
    eventually("that a new exception is told", Duration::from_secs(30), || {
        (hook.count("teller (local): a new exception, ValueError") > 0).then_some(())
    });
    eventually("that many errors are told", Duration::from_secs(30), || (hook.count("errors in 1 min") > 0).then_some(()));
    watcher.kill();

    // A rollout that nobody watches.
    version(&world, 2, &hook.url);
    world.run(&["ship", "--allow-untested"]).ok();

    // A rollout while somebody watches, and a way to the engine that is cut.
    let cable = Cable::lay(&socket);
    let watcher = Watcher::start(&world, Some(&format!("unix://{}", socket.display())));
    grows(&world, "that another watcher goes on");
    world.write("main.py", format!("{APP}# another release\n"));
    version(&world, 3, &hook.url);
    world.run(&["ship", "--allow-untested"]).ok();
    cable.cut(&socket);
    let _mended = Cable::lay(&socket);
    grows(&world, "that it goes on when the engine is back");

    assert_eq!(hook.count("a new exception, ValueError"), 1, "what was told once is told again");

    // The last lines are there when nothing is left.
    let second = world.serving("local");
    world.run(&["down", "--yes"]).ok();
    drop(watcher);
    let records = all(&world);
    let mut numbers: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    let mut ends: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut exceptions = 0;
    for record in &records {
        let key = (record["instance"].as_str().unwrap().to_owned(), record["stream"].as_str().unwrap().to_owned());
        match record["message"].as_str().unwrap() {
            "a number" => numbers.entry(key).or_default().push(field(record, "n").unwrap().parse().unwrap()),
            "the last one" => {
                assert_eq!(field(record, "token").as_deref(), Some("***"), "{record}");
                assert_eq!(ends.insert(key, field(record, "n").unwrap().parse().unwrap()), None);
            }
            _ => {
                assert_eq!(record["exception"]["kind"], "ValueError", "{record}");
                assert_eq!(record["exception"]["frames"][1]["function"], "fail", "{record}");
                exceptions += 1;
            }
        }
    }
    assert_eq!(numbers.len(), 6, "two streams of three instances: {:?}", numbers.keys());
    assert_eq!(ends.len(), 6, "an instance's last line is missing: {ends:?}");
    for (key, mut found) in numbers {
        found.sort_unstable();
        let expected: Vec<u64> = (0..ends[&key]).collect();
        assert_eq!(found, expected, "of {key:?}");
    }

    // Found again, by what it says and by where it came from.
    let warned = world.run(&["logs", "--level", "warning", "--json", "-n", "10000"]).ok();
    assert!(read(&warned.stdout).0.iter().all(|record| record["level"] == "warning" || record["level"] == "error"));
    let of_first = read(&world.run(&["logs", "--search", &format!("n=7 release:{first}"), "--json"]).ok().stdout).0;
    assert_eq!(of_first.len(), 4, "both streams of the two instances of the first release: {of_first:?}");
    let groups = world.json(&["logs", "--exceptions"])["exceptions"].clone();
    assert_eq!((groups.as_array().unwrap().len(), groups[0]["count"].as_u64()), (1, Some(exceptions)), "{groups}");
    assert_eq!((groups[0]["releases"].clone(), &groups[0]["is_new"]), (serde_json::json!([first, second]), &Value::Bool(false)));
    let shown = world.run(&["logs", "--exceptions"]).ok().stdout;
    for word in ["ValueError: number", "main.py:", "in fail", "Traceback (most recent call last)"] {
        assert!(shown.contains(word), "`{word}` is not in:\n{shown}");
    }

    let found = world.run(&["logs", "--search", TOKEN, "--json"]).ok();
    assert_eq!(read(&found.stdout).0.len(), 0, "a secret was kept");

    // Without an engine.
    let mut command = world.command(&["logs", "-n", "3"]);
    let output = command.env("DOCKER_HOST", "unix:///nowhere/engine.sock").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("the last one"), "{stdout}\n{stderr}");
    assert!(stderr.contains("what is kept ends at"), "{stderr}");
}

/// An example as it is, but for its gates, which other tests run.
fn ungated(name: &str) -> World {
    let world = World::example(name);
    let text = std::fs::read_to_string(world.project().join("nonevent.toml")).unwrap();
    let mut document: toml::Table = text.parse().unwrap();
    let off = ["lint", "format", "types", "unit", "integration"].map(|gate| (gate.to_owned(), toml::Value::Boolean(false)));
    document.insert("gauntlet".to_owned(), toml::Value::Table(off.into_iter().collect()));
    world.write("nonevent.toml", document.to_string());
    world
}

#[test]
fn docker_what_real_servers_and_loggers_print_is_understood() {
    // gunicorn's access log; uvicorn's; structlog's JSON, with uvicorn's own words through it.
    let examples = [
        ("django-static", None, "/not-there?page=2", "Booting worker with pid", None),
        ("worker-redis", None, "/not-there?page=2", "Application startup complete.", None),
        ("fastapi-postgres", Some("shop.main"), "/not-there", "Application startup complete.", Some("uvicorn.error")),
    ];
    for (example, logger, path, own, own_logger) in examples {
        let world = ungated(example);
        world.run(&["ship", "--allow-untested"]).ok();
        assert_eq!(world.get("local", "/not-there?page=2").0, 404);
        let find = |words: &str| {
            eventually(&format!("that {example} prints `{words}`"), Duration::from_secs(20), || {
                let ended = world.run(&["logs", "--since", "10m", "--search", words, "--json"]).ok();
                read(&ended.stdout).0.into_iter().next()
            })
        };
        let record = find("not-there status=404 method=GET");
        let told = ["method", "path", "status"].map(|name| field(&record, name).unwrap());
        assert_eq!(told, ["GET", path, "404"], "{record}");
        assert_eq!((&record["level"], record["logger"].as_str()), (&Value::from("info"), logger), "{record}");
        assert!(field(&record, "client").is_some_and(|client| client.contains('.')), "{record}");
        let record = find(&format!("{own:?}"));
        assert_eq!((&record["level"], record["logger"].as_str()), (&Value::from("info"), own_logger), "{record}");
        let message = record["message"].as_str().unwrap();
        assert!(message.starts_with(own), "the level is a part of the message: {message}");
    }
}
