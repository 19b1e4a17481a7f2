//! What a desktop has beside windows: dunst shows notifications; the screen's windows are closed as a person closes them.

use std::process::Stdio;

use nonevent_testkit::screen::Cover;
use serde_json::Value;

use crate::world::{Started, World, eventually};

/// A notification daemon on a world's bus.
pub struct Dunst<'world> {
    world: &'world World,
    _daemon: Started,
}

impl<'world> Dunst<'world> {
    pub async fn start(world: &'world World) -> Self {
        let mut command = world.program("dunst");
        let daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let daemon = daemon.expect("dunst starts: `scripts/bootstrap test` installs it");
        let dunst = Self { world, _daemon: Started(daemon) };
        eventually("dunst answers", || dunst.control(&["count", "displayed"])).await;
        dunst
    }

    /// Waits until something is shown.
    pub async fn shows(&self) {
        eventually("a notification is shown", || {
            self.control(&["count", "displayed"]).filter(|count| count.trim().parse::<u32>().is_ok_and(|count| count > 0))
        })
        .await;
    }

    /// Presses the notification that is shown on top, no sooner than a person could.
    pub async fn press(&self) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        self.control(&["action", "0"]).expect("it is pressed");
    }

    /// Closes what is shown, and returns all that was, the newest first: titles and texts.
    pub async fn told(&self, title: &str) -> Vec<(String, String)> {
        self.control(&["close-all"]);
        eventually(title, || {
            let history: Value = serde_json::from_str(&self.control(&["history"])?).ok()?;
            let field = |one: &Value, name: &str| one[name]["data"].as_str().unwrap_or_default().to_owned();
            let all: Vec<_> =
                history["data"][0].as_array()?.iter().map(|one| (field(one, "summary"), field(one, "body"))).collect();
            all.iter().any(|(told, _)| told.contains(title)).then_some(all)
        })
        .await
    }

    fn control(&self, words: &[&str]) -> Option<String> {
        let output = self.world.program("dunstctl").args(words).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The screen that the windows are on.
pub struct Screen(nonevent_testkit::screen::Screen);

impl Screen {
    pub fn here() -> Self {
        Self(nonevent_testkit::screen::Screen::of(None, "nonevent"))
    }

    /// Closes the window as the button in its title bar does.
    pub async fn close_window(&self) {
        self.has_window(true).await;
        self.0.close();
    }

    /// The same, unless it is gone already.
    pub fn close_if_there(&self) {
        self.0.close();
    }

    /// Gives the window another size, as a person who pulls at its corner.
    pub fn resize(&self, (width, height): (u32, u32)) {
        self.0.resize(width, height);
    }

    /// Waits until the window has a size.
    pub async fn has_size(&self, size: (u32, u32)) {
        eventually("the window has its size", || (self.0.size() == Some(size)).then_some(())).await;
    }

    /// Puts another program's window over everything, with the keyboard, until what is returned is dropped.
    pub fn cover(&self) -> Cover {
        self.0.cover()
    }

    /// Waits until the window is over all others and has the keyboard, or is not.
    pub async fn is_in_front(&self, is: bool) {
        eventually("the window is in front or behind", || (self.0.is_in_front() == is).then_some(())).await;
    }

    /// Waits until the window is there, or is not.
    pub async fn has_window(&self, is_there: bool) {
        eventually("the window comes or goes", || (self.0.has_window() == is_there).then_some(())).await;
    }
}
