//! The terminal's raw mode, for a command that wants every key as it is pressed.

use std::io;

#[cfg(unix)]
use nix::sys::termios::{self, SetArg, Termios};

/// Raw mode, until it is dropped.
#[derive(Debug)]
pub struct RawMode {
    #[cfg(unix)]
    before: Termios,
}

#[cfg(unix)]
impl RawMode {
    /// Switches standard input's terminal to raw mode.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn enter() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw)?;
        Ok(Self { before })
    }
}

#[cfg(unix)]
impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.before);
    }
}

#[cfg(not(unix))]
impl RawMode {
    /// Refuses: this platform's terminals are not supported yet.
    ///
    /// # Errors
    /// Always.
    pub fn enter() -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}
