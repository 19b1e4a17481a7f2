//! After an app told its secrets in every way that it knows, to everybody who listens, none is found anywhere: not in what was printed, kept,
//! built, posted or started.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::health::{Health, instances, make};
use crate::logs::{Hook, LOCK, PROJECT};
use crate::secrets::type_in;
use crate::watching::Watch;
use crate::world::{Ended, World, eventually};

const LIMIT: Duration = Duration::from_secs(90);
const PASSPHRASE: &str = "made-up-words-of-the-vault";
/// A part of the webhook's address, as such addresses have.
const ADDRESS: &str = "made-up-part-of-an-address";
const SECRETS: [(&str, &str); 3] = [
    ("PLAIN", "made-up-plain-value-4711"),
    ("SPECIAL", "made up:p@ss/w?rd&more=1%+'\"#end"),
    ("LINES", "-----BEGIN MADE-UP KEY-----\nbWFkZS11cC1saW5lLW9uZQ\nmade/up/line+two=of-the-key\n-----END MADE-UP KEY-----"),
];

/// Tells every secret in every form, also cut into pieces.
const TELL: &str = r#"
import base64
import json
import os
import sys
import time
import urllib.parse
from pathlib import Path


def secrets():
    for name in ("PLAIN", "SPECIAL", "LINES"):
        file = Path("/run/secrets") / name
        yield file.read_text() if file.exists() else os.environ[name]


def tell():
    for value in secrets():
        raw = value.encode()
        forms = [
            value, repr(value), json.dumps({"event": "told", "token": value}), raw.hex(), raw.hex().upper(),
            urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value),
            base64.b64encode(raw).decode(), base64.urlsafe_b64encode(b"user:" + raw).decode(),
            base64.b64encode(b"ab" + raw + b"cd").decode(), f"postgresql://u:{urllib.parse.quote(value)}@db/x",
        ]
        for form in forms:
            print("told", form, flush=True)
            print("told", form, file=sys.stderr, flush=True)
        for at in range(1, len(raw), 5):
            os.write(1, b"cut " + raw[:at])
            time.sleep(0.002)
            os.write(1, raw[at:] + b"\n")
    print("all was told", flush=True)


if __name__ == "__main__":
    tell()
    sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
"#;

const APP: &str = r#"
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tell import secrets, tell


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        ill = os.path.exists("/tmp/sick")
        body = ("ill, with " + " ".join(secrets())).encode() if ill else b"ok"
        self.send_response(500 if ill else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


tell()
ThreadingHTTPServer(("0.0.0.0", 8000), Answer).serve_forever()
"#;

/// The same, which dies of it, with the secrets in its traceback.
const DIES: &str = "from tell import secrets, tell\n\ntell()\nraise RuntimeError('cannot use ' + ' and '.join(secrets()))\n";

fn configuration(gate: &str) -> String {
    let names = "secrets = [\"PLAIN\", \"SPECIAL\", \"LINES\"]";
    format!(
        "[app]\ncommand = [\"python\", \"main.py\"]\nport = 8000\n\n\
         [health]\npath = \"/\"\ninterval = \"200ms\"\ndeadline = \"6s\"\nwatch_interval = \"300ms\"\nfall = \"2 of 3\"\n\n\
         [gauntlet]\nlint = false\nformat = false\ntypes = false\nunit = false\n\n[gauntlet.leak]\nrun = \"{gate}\"\n{names}\n\n\
         [job.leak]\nschedule = \"0 0 1 1 *\"\nrun = \"python tell.py\"\n\n\
         [notify]\ndesktop = false\n\n[notify.webhook.good]\nurl = \"env:GOOD\"\n\n[notify.webhook.bad]\nurl = \"env:BAD\"\n\n\
         [environments.local]\n{names}\nbake = \"1s\"\n\n[environments.files]\n{names}\nsecret_delivery = \"file\"\nbake = \"1s\"\n"
    )
}

/// Every form in which a value must not be found.
fn forms(value: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let quoted = |kept: &str, space: &str| -> String {
        let quote = |byte: &u8| match char::from(*byte) {
            ' ' => space.to_owned(),
            letter if letter.is_ascii_alphanumeric() || "-_.~".contains(letter) || kept.contains(letter) => letter.to_string(),
            _ => format!("%{byte:02X}"),
        };
        bytes.iter().map(quote).collect()
    };
    let json = serde_json::to_string(value).unwrap().trim_matches('"').to_owned();
    let mut forms = vec![
        ("as it is", value.to_owned()),
        ("JSON", json),
        ("hexadecimal", hex.clone()),
        ("HEXADECIMAL", hex.to_uppercase()),
        ("in a URL", quoted("", "%20")),
        ("in a path", quoted("/", "%20")),
        ("in a form", quoted("", "+")),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before][..], bytes].concat();
        for text in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.push(("base64", text[(before * 8).div_ceil(6)..padded.len() * 8 / 6].to_owned()));
        }
    }
    // A line of a key is as bad as all of it.
    forms.extend(value.lines().filter(|line| line.len() > 12).map(|line| ("a line of it", line.to_owned())));
    forms.into_iter().map(|(form, text)| (form.to_owned(), text.into_bytes())).collect()
}

/// All that must not be found, each with what it is.
struct Scanner {
    names: Vec<String>,
    needles: AhoCorasick,
}

impl Scanner {
    fn new() -> Self {
        let all = SECRETS.into_iter().chain([("the passphrase", PASSPHRASE), ("the webhook's address", ADDRESS)]);
        let named = |(name, value): (&str, &str)| -> Vec<_> {
            forms(value).into_iter().map(|(form, bytes)| (format!("{name} ({form})"), bytes)).collect()
        };
        let (names, needles): (Vec<_>, Vec<_>) = all.flat_map(named).unzip();
        Self { names, needles: AhoCorasick::new(needles).unwrap() }
    }

    fn scan(&self, place: &str, bytes: &[u8]) {
        let Some(found) = self.needles.find(bytes) else { return };
        let around = &bytes[found.start().saturating_sub(200)..(found.end() + 100).min(bytes.len())];
        panic!("{} is in {place}:\n…{}…", self.names[found.pattern()], String::from_utf8_lossy(around));
    }

    /// Returns how many files it looked at.
    fn scan_below(&self, folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        let scanned = entries.flatten().map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => self.scan_below(&entry.path()),
            kind if kind.is_file() => {
                self.scan(&entry.path().display().to_string(), &std::fs::read(entry.path()).unwrap());
                1
            }
            _ => 0,
        });
        scanned.sum()
    }
}

/// Looks at the arguments of every process of the machine, over and over.
struct Watchman {
    over: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    thread: std::thread::JoinHandle<()>,
}

impl Watchman {
    fn begin() -> Self {
        let (over, seen) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<BTreeSet<Vec<u8>>>>::default());
        let (ended, noted) = (over.clone(), seen.clone());
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    if let Ok(line) = std::fs::read(process.path().join("cmdline")) {
                        noted.lock().unwrap().insert(line);
                    }
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self { over, seen, thread }
    }

    fn end(self) -> BTreeSet<Vec<u8>> {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// A laptop whose every word is kept.
struct Laptop {
    world: World,
    hooks: [String; 2],
    outputs: Vec<(String, String)>,
}

impl Laptop {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(arguments);
        command.env("NONEVENT_VAULT_PASSPHRASE", PASSPHRASE).env("NONEVENT_CACHE", self.world.home().with_file_name("cache"));
        command.env("GOOD", &self.hooks[0]).env("BAD", &self.hooks[1]);
        command
    }

    fn run(&mut self, arguments: &[&str], input: &str) -> Ended {
        let ended = type_in(self.command(arguments), input);
        self.outputs.push((format!("{arguments:?}"), format!("{}{}", ended.stdout, ended.stderr)));
        ended
    }

    /// Asks what is kept here, of an engine that is not there: nothing is masked by what it knows.
    fn ask(&mut self, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        command.env("DOCKER_HOST", "unix:///nowhere/engine.sock");
        let ended = type_in(command, "");
        self.outputs.push((format!("{arguments:?}, of what is kept"), format!("{}{}", ended.stdout, ended.stderr)));
        ended.stdout
    }
}

fn inspected(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Scans what the engine holds of a world; values stand in the variables of its instances, where they must, and nowhere else.
fn scan_engine(scanner: &Scanner, world: &World) {
    let (mut with, mut images) = (0, BTreeSet::new());
    for kind in ["container", "volume", "network"] {
        for id in world.left(kind) {
            for mut object in inspected(&[kind, "inspect", &id]) {
                let labels = object["Config"]["Labels"].clone();
                let env_mode = labels["dev.nonevent.role"] == "web" && labels["dev.nonevent.environment"] == "local";
                if let Some(env) = object.pointer_mut("/Config/Env").filter(|_| env_mode) {
                    with += usize::from(env.to_string().contains(SECRETS[0].1));
                    *env = Value::Null;
                }
                images.extend(object["Image"].as_str().filter(|_| labels["dev.nonevent.role"] == "web").map(str::to_owned));
                scanner.scan(&format!("docker {kind} inspect {id}"), object.to_string().as_bytes());
            }
        }
    }
    assert!(with > 0, "no instance has its secrets, and nothing is shown by this");
    assert!(!images.is_empty(), "no image was looked at");
    for image in images {
        scanner
            .scan(&format!("docker image inspect {image}"), format!("{:?}", inspected(&["image", "inspect", &image])).as_bytes());
        let saved = Command::new("docker").args(["save", &image]).output().unwrap();
        assert!(saved.status.success() && saved.stdout.len() > 1_000_000);
        scanner.scan(&format!("docker save {image}"), &saved.stdout);
        let history = Command::new("docker").args(["history", "--no-trunc", &image]).output().unwrap();
        scanner.scan(&format!("docker history {image}"), &history.stdout);
    }
}

/// What `make soak` runs: images and the arguments of every process are read whole.
mod soak {
    #[test]
    #[ignore = "reads whole images, for minutes: `make soak`"]
    fn docker_after_a_real_run_no_secret_is_found_anywhere() {
        super::nothing_is_found_after_a_real_run();
    }
}

fn nothing_is_found_after_a_real_run() {
    let scanner = Scanner::new();
    let watchman = Watchman::begin();
    let hook = Hook::open();
    let world = World::empty();
    world.write("pyproject.toml", PROJECT).write("uv.lock", LOCK).write("tell.py", TELL).write("main.py", APP);
    world.write("nonevent.toml", configuration("python tell.py 3"));
    let hooks = [format!("{}{ADDRESS}", hook.url), format!("http://127.0.0.1:9/{ADDRESS}")];
    let mut laptop = Laptop { world, hooks, outputs: Vec::new() };

    laptop.run(&["secret", "vault", "file"], "").ok();
    for (name, value) in SECRETS {
        for scope in [&["-e", "local"][..], &["-e", "files"], &["--gauntlet"]] {
            laptop.run(&[&["secret", "set", name][..], scope].concat(), value).ok();
        }
    }
    laptop.run(&["secret", "list", "--json"], "").ok();

    // A gate that fails, and one that does not.
    let red = laptop.run(&["ship", "-v", "--json"], "");
    assert!(red.code == Some(1) && red.stdout.contains("all was told"), "{}{}", red.stdout, red.stderr);
    laptop.world.write("nonevent.toml", configuration("python tell.py"));
    laptop.run(&["ship", "-v", "--json"], "").ok();
    laptop.run(&["ship", "files", "-v", "--dirty"], "").ok();

    // A rollout that fails, of both kinds.
    laptop.world.write("main.py", DIES);
    for environment in ["local", "files"] {
        let failed = laptop.run(&["ship", environment, "-v", "--json", "--dirty"], "");
        assert!(failed.code == Some(1) && failed.stdout.contains("cannot use ***"), "{}{}", failed.stdout, failed.stderr);
    }
    laptop.world.write("main.py", APP);

    // A job, an incident, and what is posted of it.
    let told = laptop.run(&["jobs", "run", "leak"], "").ok().stdout;
    assert!(told.contains("all was told"), "{told}");
    let ids = instances(&laptop.world);
    let mut watch = Watch::of(laptop.command(&["watch", "--json"]));
    watch.healthy("app");
    make(Health::Ill, &ids);
    let incident = watch.until("incident_changed", |_| true);
    assert!(incident["finding"].as_str().unwrap().contains("ill, with ***"), "{incident}");
    eventually("that it is posted", LIMIT, || (hook.count("is down") > 0).then_some(()));
    make(Health::Well, &ids);
    watch.until("incident_changed", |told| told["closed_at"].is_string());
    eventually("that the other address is given up", Duration::from_secs(180), || {
        laptop.ask(&["notify", "failed", "--json"]).contains("is down").then_some(())
    });
    eventually("that logs are kept", LIMIT, || {
        laptop.ask(&["logs", "--search", "\"all was told\"", "--json"]).contains("record").then_some(())
    });

    // A process that dies of a fault leaves no memory behind.
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", watch.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(core[4..6], ["1", "1"], "{limits}");
    let killed = Command::new("kill").args(["-ABRT", &watch.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(!watch.child.wait().unwrap().core_dumped());
    for told in ["verdict_changed", "incident_changed", "notice", "watch_trouble", "job_ended"].map(|kind| watch.heard(kind)) {
        scanner.scan("what `nonevent watch` told", Value::from(told).to_string().as_bytes());
    }

    for environment in ["local", "files"] {
        for verb in ["logs", "health", "history", "status"] {
            laptop.ask(&[verb, environment, "--json"]);
            laptop.run(&[verb, environment], "");
        }
        let kept = laptop.ask(&["logs", environment, "-n", "100000", "--since", "1d", "--json"]);
        assert!(kept.contains("told ***") && kept.contains("cut ***"), "nothing was kept that could hold one");
        laptop.ask(&["logs", environment, "--exceptions", "--json"]);
    }
    for verb in [
        &["releases"][..],
        &["results", "-v"],
        &["jobs", "log", "leak"],
        &["explain"],
        &["secret", "list"],
        &["notify", "failed"],
    ] {
        laptop.ask(&[verb, &["--json"]].concat());
        laptop.run(verb, "");
    }
    for (what, output) in &laptop.outputs {
        scanner.scan(what, output.as_bytes());
    }
    scanner.scan("what was posted", hook.posted().replace(&format!("POST /{ADDRESS}"), "").as_bytes());
    let (home, folder) = (laptop.world.home(), laptop.world.home().parent().unwrap().to_owned());
    assert!(scanner.scan_below(&home) > 4 && scanner.scan_below(&home.with_file_name("cache")) > 0);
    scan_engine(&scanner, &laptop.world);
    for line in watchman.end() {
        scanner.scan("a process's arguments", &line);
    }
    let cores: Vec<_> = std::fs::read_dir(folder.join("project"))
        .unwrap()
        .flatten()
        .filter(|one| one.file_name().to_string_lossy().starts_with("core"))
        .collect();
    assert!(cores.is_empty(), "{cores:?}");
}
