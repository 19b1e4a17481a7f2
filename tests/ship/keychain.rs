//! A real keychain of a test's own: gnome-keyring on a D-Bus that starts nothing by itself.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nonevent_testkit::screen::Screen;

use crate::notify::screen;
use crate::world::eventually;

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A bus and a keychain on it.
pub struct Keychain {
    folder: tempfile::TempDir,
    bus: Child,
    daemon: Option<Child>,
    address: String,
}

impl Keychain {
    /// Starts both; the keychain is open.
    pub fn start() -> Self {
        for (program, package) in [("dbus-daemon", "dbus"), ("dbus-send", "dbus"), ("gnome-keyring-daemon", "gnome-keyring")] {
            let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
            assert!(
                there,
                "this test needs a real keychain: `{program}` is missing; `scripts/bootstrap test` installs `{package}`"
            );
        }
        let folder = tempfile::Builder::new().prefix("nonevent-bus-").tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        std::fs::write(&config, BUS.replace("SOCKET", &folder.path().join("bus").to_string_lossy())).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address=1", "--config-file"])
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "no D-Bus can be started here");
        let mut keychain = Self { folder, bus, daemon: None, address };
        keychain.open();
        keychain
    }

    /// Starts the keychain, open.
    pub fn open(&mut self) {
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("HOME", self.folder.path());
        command.env("XDG_DATA_HOME", self.folder.path().join("data")).env("XDG_RUNTIME_DIR", self.folder.path());
        command.env_remove("DISPLAY").stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = command.spawn().unwrap();
        daemon.stdin.take().unwrap().write_all(b"made-up password\n").unwrap();
        self.daemon = Some(daemon);
        eventually("a keychain on the bus", Duration::from_secs(20), || {
            let owned = self.send(&[
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner",
                "string:org.freedesktop.secrets",
            ]);
            let collection = self.send(&[
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.ReadAlias",
                "string:default",
            ]);
            (owned.contains("true") && collection.contains("/collection/")).then_some(())
        });
    }

    /// Locks it, as a screen saver does. Nobody is there who could answer when it is to be opened again.
    pub fn lock(&self) {
        let answer = self.send(&[
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            "array:objpath:/org/freedesktop/secrets/collection/login",
        ]);
        assert!(answer.contains("/collection/login"), "the keychain was not locked: {answer}");
    }

    /// Lets somebody sit there: what the keychain asks comes up on a screen, by the program that gnome-keyring brings along.
    pub fn attended(&self) -> Person {
        let (screen, display) = screen();
        let mut command = Command::new("/usr/libexec/gcr-prompter");
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).env("DISPLAY", &display).env("HOME", self.folder.path());
        command.env_remove("WAYLAND_DISPLAY").stdout(Stdio::null()).stderr(Stdio::null());
        let prompter = command.spawn().unwrap_or_else(|error| {
            panic!("gcr-prompter cannot be run, `scripts/bootstrap test` installs `gnome-keyring`: {error}")
        });
        eventually("that somebody can be asked", Duration::from_secs(20), || {
            let owned = self.send(&[
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner",
                "string:org.gnome.keyring.SystemPrompter",
            ]);
            owned.contains("true").then_some(())
        });
        Person { windows: Screen::of(Some(&display), "gcr-prompter"), programs: [prompter, screen] }
    }

    /// Ends it.
    pub fn close(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// Gives it to a command.
    pub fn give(&self, command: &mut Command) {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
    }

    /// Where it keeps its own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn send(&self, arguments: &[&str]) -> String {
        let bus = format!("--bus={}", self.address);
        let output = Command::new("dbus-send").args([bus.as_str(), "--print-reply"]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Somebody before a screen.
pub struct Person {
    windows: Screen,
    programs: [Child; 2],
}

impl Person {
    /// Closes the question of the keychain once it is asked, without an answer.
    pub fn deny(&self) {
        eventually("that the keychain asks", Duration::from_secs(30), || self.windows.has_window().then_some(()));
        self.windows.close();
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.close();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
