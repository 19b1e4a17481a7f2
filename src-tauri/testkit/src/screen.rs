//! A display of X, and the windows of one program on it.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, MapState,
    Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, CURRENT_TIME};

/// A display, and the program whose window is looked for.
pub struct Screen {
    connection: RustConnection,
    root: Window,
    program: &'static str,
}

/// A window over all others. It goes with its connection.
pub struct Cover {
    _connection: RustConnection,
}

impl Cover {
    fn new(seen_by: &RustConnection, root: Window) -> Self {
        let display = std::env::var("DISPLAY").ok();
        let (connection, _) = x11rb::connect(display.as_deref()).unwrap();
        let window = connection.generate_id().unwrap();
        let size = seen_by.get_geometry(root).unwrap().reply().unwrap();
        connection
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                window,
                root,
                0,
                0,
                size.width,
                size.height,
                0,
                WindowClass::INPUT_OUTPUT,
                COPY_FROM_PARENT,
                &CreateWindowAux::new(),
            )
            .unwrap()
            .check()
            .unwrap();
        connection.map_window(window).unwrap().check().unwrap();
        connection.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME).unwrap().check().unwrap();
        Self { _connection: connection }
    }
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

    /// Gives the window another size, where no window manager says otherwise.
    pub fn resize(&self, width: u32, height: u32) {
        let Some(window) = self.window() else { return };
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &size).unwrap().check().unwrap();
    }

    /// Returns width and height of the window, none where there is none.
    pub fn size(&self) -> Option<(u32, u32)> {
        let found = self.connection.get_geometry(self.window()?).ok()?.reply().ok()?;
        Some((found.width.into(), found.height.into()))
    }

    /// Puts a window of another program over everything, and gives it the keyboard, until what is returned is dropped.
    pub fn cover(&self) -> Cover {
        Cover::new(&self.connection, self.root)
    }

    /// Tells whether the window is over all others that are seen, and has the keyboard.
    pub fn is_in_front(&self) -> bool {
        self.window().is_some_and(|window| self.top() == Some(window) && self.has_keyboard(window))
    }

    /// The highest window that is seen: the last of its siblings (QueryTree).
    fn top(&self) -> Option<Window> {
        let tree = self.connection.query_tree(self.root).ok()?.reply().ok()?;
        tree.children.into_iter().rfind(|&window| {
            let seen = self.connection.get_window_attributes(window).ok().and_then(|asked| asked.reply().ok());
            // Toolkits keep windows of one point for themselves.
            let large = self.connection.get_geometry(window).ok().and_then(|asked| asked.reply().ok());
            seen.is_some_and(|found| found.map_state == MapState::VIEWABLE) && large.is_some_and(|found| found.width > 1)
        })
    }

    /// Tells whether the keyboard is with a window or with a part of it.
    fn has_keyboard(&self, window: Window) -> bool {
        let focus = self.connection.get_input_focus().ok().and_then(|asked| asked.reply().ok()).map(|found| found.focus);
        let mut at = focus.filter(|&focus| focus > 1);
        while let Some(here) = at.filter(|&here| here != window) {
            let above = self.connection.query_tree(here).ok().and_then(|asked| asked.reply().ok());
            at = above.map(|found| found.parent).filter(|&parent| parent != self.root && parent > 1);
        }
        at == Some(window)
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
