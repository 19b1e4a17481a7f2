//! What a desktop has beside windows: dunst shows notifications; the screen's windows are closed as a person closes them.

use std::process::Stdio;

use serde_json::Value;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, Window};
use x11rb::rust_connection::RustConnection;

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
pub struct Screen {
    connection: RustConnection,
    root: Window,
}

impl Screen {
    pub fn here() -> Self {
        let (connection, number) = x11rb::connect(None).unwrap();
        let root = connection.setup().roots[number].root;
        Self { connection, root }
    }

    /// Closes the window as the button in its title bar does (ICCCM, section 4.2.8.1).
    pub async fn close_window(&self) {
        self.has_window(true).await;
        self.close_if_there();
    }

    /// The same, unless it is gone already.
    pub fn close_if_there(&self) {
        let Some(window) = self.window() else { return };
        let atom = |name: &str| self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let data = [atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        // It may go in this moment.
        let _ = self.connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap().check();
    }

    /// Waits until the window is there, or is not.
    pub async fn has_window(&self, is_there: bool) {
        eventually("the window comes or goes", || (self.window().is_some() == is_there).then_some(())).await;
    }

    fn window(&self) -> Option<Window> {
        let tree = self.connection.query_tree(self.root).ok()?.reply().ok()?;
        tree.children.into_iter().find(|&window| {
            let class = self.connection.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 64);
            let class = class.ok().and_then(|asked| asked.reply().ok()).map(|found| found.value).unwrap_or_default();
            let seen = self.connection.get_window_attributes(window).ok().and_then(|asked| asked.reply().ok());
            let seen = seen.is_some_and(|found| found.map_state == x11rb::protocol::xproto::MapState::VIEWABLE);
            seen && String::from_utf8_lossy(&class).to_lowercase().contains("nonevent")
        })
    }
}
