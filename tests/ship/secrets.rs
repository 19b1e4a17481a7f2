//! Secrets from where they are kept to where they are needed, and nowhere else: a real keychain, real files, a real app.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::keychain::Keychain;
use crate::world::{Ended, World};

const FIRST: &str = "made-up-first-value/with+signs";
const SECOND: &str = "made-up-second-value&more";

const CONFIGURATION: &str =
    "[gauntlet]\nlint = false\nformat = false\ntypes = false\nunit = false\n\n[environments.local]\nsecrets = [\"API_KEY\"]\n";

/// Says its secret in every way that it knows.
const TELLTALE: &str = r#"
import base64, os, sys, urllib.parse
from pathlib import Path

_file = Path("/run/secrets/API_KEY")
_key = _file.read_text() if _file.exists() else os.environ["API_KEY"]
print("plain", _key, flush=True)
print("quoted", urllib.parse.quote(_key, safe=""), file=sys.stderr, flush=True)
print("encoded", base64.b64encode(f"user:{_key}".encode()).decode(), flush=True)
print("the end of what it tells", flush=True)
"#;

/// Runs the command line with something on standard input.
pub fn type_in(mut command: Command, text: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A world with a keychain.
struct Desk {
    world: World,
    keychain: Keychain,
    outputs: Vec<String>,
}

impl Desk {
    fn new(world: World) -> Self {
        Self { world, keychain: Keychain::start(), outputs: Vec::new() }
    }

    fn run(&mut self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.world.command(arguments);
        self.keychain.give(&mut command);
        let ended = type_in(command, input);
        self.outputs.push(format!("{arguments:?}\n{}{}", ended.stdout, ended.stderr));
        ended
    }
}

/// A registry that takes every login; returns its name.
fn anyone() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    name
}

/// Fails when a file below a folder holds one of the texts.
fn refuse_below(folder: &Path, texts: &[&str]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            refuse_below(&path, texts);
        } else if let Ok(bytes) = std::fs::read(&path) {
            for text in texts {
                let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!found, "{} holds `{text}`", path.display());
            }
        }
    }
}

#[test]
fn docker_secrets_reach_instances_and_nothing_that_is_told_or_kept_holds_them() {
    let world = World::example("flask-requirements");
    let app = std::fs::read_to_string(world.project().join("slugs/app.py")).unwrap();
    world.write("slugs/app.py", format!("{app}\n{TELLTALE}")).write("nonevent.toml", CONFIGURATION).commit("tells its secret");
    let mut desk = Desk::new(world);

    let missing = desk.run(&["ship", "--allow-untested"], "").refused("local needs the secret API_KEY, which has no value");
    assert!(missing.stderr.contains("nonevent secret set API_KEY -e local"), "{}", missing.stderr);
    assert!(!missing.stderr.contains("image"), "something was begun: {}", missing.stderr);
    let status = desk.run(&["status"], "").ok();
    assert!(status.stdout.contains("lacks API_KEY"), "{}", status.stdout);

    desk.run(&["secret", "set", "API_KEY", "--json"], &format!("{FIRST}\n")).ok();
    desk.run(&["ship", "--allow-untested", "-v"], "").ok();
    let first = desk.world.serving("local");
    let inside = desk.world.run(&["exec", "--", "printenv", "API_KEY"]).ok().stdout;
    assert_eq!(inside.trim_end(), FIRST, "the value reached the instance unchanged");
    let logs = desk.run(&["logs"], "").ok().stdout;
    assert!(logs.contains("plain ***") && logs.contains("quoted ***") && logs.contains("the end of what it tells"), "{logs}");

    let before = desk.world.status("local")["instances"][0]["id"].clone();
    let rotated = desk.run(&["secret", "rotate", "API_KEY"], SECOND).ok().stdout;
    assert!(rotated.contains("local runs with the old value until `nonevent restart local`"), "{rotated}");
    desk.run(&["ship", "--allow-untested", "--json"], "").ok();
    assert_ne!(desk.world.status("local")["instances"][0]["id"], before, "a changed secret is a rollout");
    assert_eq!(desk.world.serving("local"), first, "and not another release");
    assert_eq!(desk.world.run(&["exec", "--", "printenv", "API_KEY"]).ok().stdout.trim_end(), SECOND);
    let rotated = desk.run(&["secret", "rotate", "API_KEY"], SECOND).ok().stdout;
    assert!(rotated.contains("nothing runs with the old value"), "{rotated}");

    // Another release, whose instances find it in a file, and whose end says it.
    desk.world.write("nonevent.toml", format!("{CONFIGURATION}secret_delivery = \"file\"\n"));
    let app = std::fs::read_to_string(desk.world.project().join("slugs/app.py")).unwrap();
    desk.world.write("slugs/app.py", format!("{app}\n# another release\n")).commit("files");
    desk.run(&["ship", "--allow-untested"], "").ok();
    let seen = "import os, stat; p = '/run/secrets/API_KEY'; print(oct(stat.S_IMODE(os.stat(p).st_mode)), open(p).read(), os.environ.get('API_KEY'))";
    let seen = desk.world.run(&["exec", "--", "python", "-c", seen]).ok().stdout;
    assert_eq!(seen.trim_end(), format!("0o400 {SECOND} None"));
    let logs = desk.run(&["logs", "--json"], "").ok().stdout;
    assert!(logs.contains("plain ***"), "{logs}");

    desk.run(&["secret", "set", "API_KEY"], FIRST).ok();
    let back = desk.run(&["rollback", &first], "").ok();
    assert!(back.stderr.contains("today's values of secrets: API_KEY"), "{}", back.stderr);

    let broken = format!("{app}\nraise RuntimeError('cannot use ' + _key)\n");
    desk.world.write("slugs/app.py", broken).commit("dies");
    desk.world.write("nonevent.toml", format!("[health]\ndeadline = \"5s\"\n\n{CONFIGURATION}"));
    let failed = desk.run(&["ship", "--allow-untested", "--json", "-v"], "");
    assert_ne!(failed.code, Some(0));
    assert!(failed.stdout.contains("cannot use ***"), "the evidence is there, without the value:\n{}", failed.stdout);

    let encoded = ["bWFkZS11cC1maXJzdC12YWx1ZS", "made-up-first-value%2Fwith%2Bsigns"];
    for output in &desk.outputs {
        for text in [FIRST, SECOND].iter().chain(&encoded) {
            assert!(!output.contains(text), "`{text}` was told:\n{output}");
        }
    }
    refuse_below(&desk.world.home(), &[FIRST, SECOND]);
    refuse_below(desk.keychain.folder(), &[FIRST, SECOND]);
}

#[test]
fn a_keychain_that_is_locked_or_gone_says_so_and_nothing_is_lost() {
    let world = World::empty();
    world
        .write("app.py", "from flask import Flask\napp = Flask(__name__)\n")
        .write("requirements.txt", "flask==3.1.2\ngunicorn==23.0.0\n");
    world.write("nonevent.toml", "[app]\nname = \"locked\"\n[environments.local]\nsecrets = [\"API_KEY\", \"OTHER\"]\n");
    let mut desk = Desk::new(world);
    desk.run(&["secret", "set", "API_KEY"], FIRST).ok();
    let list = desk.run(&["secret", "list"], "").ok().stdout;
    for word in ["the keychain of this computer", "API_KEY", "✓ the vault", "✗ nowhere: `nonevent secret set OTHER -e local`"]
    {
        assert!(list.contains(word), "`{word}` is not in:\n{list}");
    }
    desk.run(&["secret", "show", "API_KEY"], "").refused("on a terminal only");

    desk.keychain.lock();
    let refused = desk.run(&["secret", "set", "API_KEY"], SECOND).refused("the keychain is locked");
    assert!(refused.stderr.contains("nothing was changed"), "{}", refused.stderr);
    let list = desk.run(&["secret", "list"], "").ok().stdout;
    assert!(list.contains("✗ the keychain is locked") && list.contains("API_KEY"), "what is remembered is shown:\n{list}");

    // Somebody is asked, and says no.
    let person = desk.keychain.attended();
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| person.deny());
        desk.run(&["secret", "set", "API_KEY"], SECOND).refused("prompt dismissed")
    });
    assert!(refused.stderr.contains("nothing was changed"), "{}", refused.stderr);
    drop(person);

    desk.keychain.close();
    let refused = desk.run(&["secret", "unset", "API_KEY"], "").refused("keychain");
    assert!(refused.stderr.contains("hint"), "{}", refused.stderr);
    // Where it cannot be read, it is not left for a file either.
    let key = desk.world.home().join("key");
    desk.run(&["secret", "vault", "file", "--key-file", key.to_str().unwrap()], "").refused("keychain");

    desk.keychain.open();
    desk.run(&["secret", "vault", "file", "--key-file", key.to_str().unwrap()], "").ok();
    desk.keychain.close();
    let list = desk.run(&["secret", "list"], "").ok().stdout;
    assert!(list.contains("vault.age") && list.contains("✓ the vault") && !list.contains("✗ the keychain"), "{list}");
    let registry = anyone();
    desk.run(&["credential", "login", &registry, "-u", "ada"], SECOND).ok();
    let logins = desk.run(&["credential", "list"], "").ok().stdout;
    assert!(logins.contains(&registry), "{logins}");
    desk.run(&["credential", "remove", &registry], "").ok();
    refuse_below(&desk.world.home(), &[FIRST, SECOND]);
    assert!(desk.outputs.iter().all(|output| !output.contains(FIRST) && !output.contains(SECOND)));
}

/// A home that cannot be written is told of, and what is in it stays.
#[test]
fn a_home_that_cannot_be_written_is_named_and_left_as_it_is() {
    let world = World::empty();
    world
        .write("app.py", "from flask import Flask\napp = Flask(__name__)\n")
        .write("requirements.txt", "flask==3.1.2\ngunicorn==23.0.0\n");
    world.write("nonevent.toml", "[app]\nname = \"sealed\"\n[environments.local]\nsecrets = [\"API_KEY\"]\n");
    let run = |arguments: &[&str], input: &str| {
        let mut command = world.command(arguments);
        command.env("NONEVENT_VAULT_PASSPHRASE", "made-up words");
        type_in(command, input)
    };
    run(&["secret", "vault", "file"], "").ok();
    run(&["secret", "set", "API_KEY"], FIRST).ok();
    let home = world.home();
    let vault = std::fs::read(home.join("vault.age")).unwrap();
    let mount = |arguments: &[&str]| {
        let status = Command::new("mount").args(arguments).arg(&home).status().unwrap();
        assert!(status.success(), "mount {arguments:?}");
    };
    // Permissions mean nothing to root; a read-only mount does.
    mount(&["--bind", home.to_str().unwrap()]);
    mount(&["-o", "remount,bind,ro"]);
    let ended = run(&["secret", "set", "API_KEY"], SECOND);
    let watched = run(&["watch"], "");
    assert!(Command::new("umount").arg(&home).status().unwrap().success());
    for ended in [ended, watched] {
        let refused = ended.refused("hint");
        assert!(refused.stderr.to_lowercase().contains("read"), "{}", refused.stderr);
    }
    assert_eq!(std::fs::read(home.join("vault.age")).unwrap(), vault);
    assert!(run(&["secret", "list", "--json"], "").ok().stdout.contains("\"version\":1"));
}

#[test]
fn a_vault_file_opens_with_its_passphrase_only_and_a_damaged_one_is_left_as_it_is() {
    let world = World::empty();
    world
        .write("app.py", "from flask import Flask\napp = Flask(__name__)\n")
        .write("requirements.txt", "flask==3.1.2\ngunicorn==23.0.0\n");
    world.write("nonevent.toml", "[app]\nname = \"filed\"\n[environments.local]\nsecrets = [\"API_KEY\"]\n");
    let run = |arguments: &[&str], passphrase: Option<&str>, input: &str| {
        let mut command = world.command(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").env_remove("NONEVENT_VAULT_PASSPHRASE");
        if let Some(passphrase) = passphrase {
            command.env("NONEVENT_VAULT_PASSPHRASE", passphrase);
        }
        type_in(command, input)
    };
    let absent = run(&["secret", "set", "API_KEY"], None, FIRST).refused("no keychain of this computer answers");
    assert!(absent.stderr.contains("nonevent secret vault file"), "{}", absent.stderr);
    let file = world.home().join("vault.age");
    assert!(!file.exists(), "no file is made unless it was asked for");

    run(&["secret", "vault", "file"], None, "").refused("needs its passphrase");
    run(&["secret", "vault", "file"], Some("made-up words"), "").ok();
    run(&["secret", "set", "API_KEY"], Some("made-up words"), FIRST).ok();
    run(&["secret", "set", "API_KEY"], Some("other words"), SECOND).refused("does not open with this passphrase");
    run(&["secret", "set", "API_KEY"], None, SECOND).refused("NONEVENT_VAULT_PASSPHRASE");
    let list = run(&["secret", "list", "--json"], Some("made-up words"), "").ok().stdout;
    assert!(list.contains("\"version\":1") && !list.contains(FIRST), "{list}");

    // Another laptop, or CI, that has nothing but the file.
    let bytes = std::fs::read(&file).unwrap();
    let elsewhere = world.home().with_file_name("other");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("vault.age"), &bytes).unwrap();
    let mut command = world.command_from("other", &["secret", "list"]);
    command.env("NONEVENT_VAULT_PASSPHRASE", "made-up words");
    let list = type_in(command, "").ok().stdout;
    assert!(list.contains("✓ the vault"), "{list}");

    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    run(&["secret", "set", "API_KEY"], Some("made-up words"), SECOND).refused("is damaged");
    assert_eq!(std::fs::read(&file).unwrap(), &bytes[..bytes.len() / 2]);
    std::fs::remove_file(&file).unwrap();
    run(&["secret", "set", "API_KEY"], Some("made-up words"), SECOND).refused("is gone");
    assert!(!file.exists());
    refuse_below(&world.home(), &[FIRST, SECOND, "made-up words"]);
}
