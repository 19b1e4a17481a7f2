//! Telling people, with a real notification daemon on a bus and a display of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::world::{World, eventually};

/// Nothing goes by itself, and what is shown twice is there twice.
const DUNST: &str = "[global]\nstack_duplicates = false\nhistory_length = 1000\nidle_threshold = 0\n";

/// A desktop that shows notifications: dunst on its own bus and display.
pub struct Desktop {
    folder: tempfile::TempDir,
    bus: String,
    display: String,
    programs: Vec<Child>,
}

/// A notification that was shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub title: String,
    pub text: String,
}

impl Desktop {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dunstrc"), DUNST).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("dbus-daemon cannot be run, `scripts/bootstrap` installs it: {error}"));
        let address = first_line(&mut bus);
        let (screen, display) = screen();
        let mut desktop = Self { folder, bus: address, display, programs: vec![bus, screen] };
        let mut daemon = Command::new("dunst");
        daemon.arg("-conf").arg(desktop.folder.path().join("dunstrc"));
        let daemon = desktop.with(daemon).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        desktop.programs.push(daemon);
        eventually("that dunst answers", Duration::from_secs(30), || desktop.dunstctl(&["count", "displayed"]));
        desktop
    }

    pub fn with(&self, mut command: Command) -> Command {
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus).env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        command
    }

    /// How many notifications were shown.
    pub fn count(&self) -> usize {
        let count = |of: &str| self.dunstctl(&["count", of]).unwrap().parse::<usize>().unwrap();
        ["displayed", "waiting", "history"].into_iter().map(count).sum()
    }

    /// Every notification that was shown, the first one first.
    pub fn shown(&self) -> Vec<Shown> {
        let history = eventually("that all are in the history", Duration::from_secs(30), || {
            // Another one may come at any time.
            self.dunstctl(&["close-all"])?;
            let history: Value = serde_json::from_str(&self.dunstctl(&["history"])?).unwrap();
            let shown = history["data"][0].as_array().unwrap().clone();
            (shown.len() == self.count()).then_some(shown)
        });
        let text = |one: &Value, of: &str| one[of]["data"].as_str().unwrap().to_owned();
        let mut shown: Vec<_> = history.iter().map(|one| (one["id"]["data"].as_u64(), one)).collect();
        shown.sort_by_key(|(id, _)| *id);
        shown.into_iter().map(|(_, one)| Shown { title: text(one, "summary"), text: text(one, "body") }).collect()
    }

    fn dunstctl(&self, arguments: &[&str]) -> Option<String> {
        let output = self.with(Command::new("dunstctl")).args(arguments).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// A display of its own, and its name.
pub fn screen() -> (Child, String) {
    let mut screen = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("Xvfb cannot be run, `scripts/bootstrap` installs it: {error}"));
    let display = format!(":{}", first_line(&mut screen));
    (screen, display)
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[test]
fn a_notification_daemon_shows_what_is_told_and_a_desktop_without_one_is_named() {
    let world = World::example("flask-requirements");
    let desktop = Desktop::start();
    let output = desktop.with(world.command(&["notify", "test"])).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("✓ desktop"), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let shown = desktop.shown();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].title.contains("a test") && shown[0].text.contains("this is how Nonevent tells"), "{shown:?}");

    let mut nowhere = world.command(&["notify", "test"]);
    let output = nowhere.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.contains("✗ desktop") && stdout.contains("hint: start a notification daemon"), "{stdout}");
}

#[test]
fn a_webhook_without_its_variable_is_named() {
    let world = World::example("flask-requirements");
    world.write(
        "nonevent.toml",
        "[notify]\ndesktop = false\n\n[notify.webhook.team]\nkind = \"slack\"\nurl = \"env:NOT_SET_ANYWHERE\"\n",
    );
    let ended = world.run(&["notify", "test"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("webhook team: the variable `NOT_SET_ANYWHERE` is not set"), "{}", ended.stdout);
    assert!(world.run(&["notify", "failed"]).ok().stdout.contains("every webhook took"));
}
