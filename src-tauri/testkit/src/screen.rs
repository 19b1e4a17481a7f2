//! A display of X, and the windows of one program on it.

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState, Window};
use x11rb::rust_connection::RustConnection;

/// A display, and the program whose window is looked for.
pub struct Screen {
    connection: RustConnection,
    root: Window,
    program: &'static str,
}

impl Screen {
    /// Looks at a display for the window whose class (ICCCM, section 4.1.2.5) contains a word; without a name it is that of this process.
    pub fn of(display: Option<&str>, program: &'static str) -> Self {
        let (connection, number) = x11rb::connect(display).unwrap();
        let root = connection.setup().roots[number].root;
        Self { connection, root, program }
    }

    /// Tells whether the window is there.
    pub fn has_window(&self) -> bool {
        self.window().is_some()
    }

    /// Closes the window as the button in its title bar does (ICCCM, section 4.2.8.1), unless it is gone already.
    pub fn close(&self) {
        let Some(window) = self.window() else { return };
        let atom = |name: &str| self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let data = [atom("WM_DELETE_WINDOW"), CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        // It may go in this moment.
        let _ = self.connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap().check();
    }

    fn window(&self) -> Option<Window> {
        let tree = self.connection.query_tree(self.root).ok()?.reply().ok()?;
        tree.children.into_iter().find(|&window| {
            let class = self.connection.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 64);
            let class = class.ok().and_then(|asked| asked.reply().ok()).map(|found| found.value).unwrap_or_default();
            let seen = self.connection.get_window_attributes(window).ok().and_then(|asked| asked.reply().ok());
            let seen = seen.is_some_and(|found| found.map_state == MapState::VIEWABLE);
            seen && String::from_utf8_lossy(&class).to_lowercase().contains(self.program)
        })
    }
}
