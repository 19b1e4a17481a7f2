//! Leading a person to a screen: by an address that another program opened, by a notice, by the tray.

use nonevent_engine::EngineError;
use nonevent_engine::model::Problem;
use nonevent_notifier::Address;
use tauri::{AppHandle, Manager};

use crate::desk::told;
use crate::news::{News, Wire};
use crate::window;

/// Begins in the background: no window is opened.
pub const HIDDEN: &str = "--hidden";

/// What a start of the program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The window.
    Window,
    /// Nothing to see.
    Hidden,
    /// A screen, as far as the address is one.
    Screen(String),
}

impl Start {
    /// Reads the words after the program's name. What is not understood asks for the window.
    pub fn read(words: impl Iterator<Item = String>) -> Self {
        let mut start = Self::Window;
        for word in words {
            if Address::is_meant(&word) {
                return Self::Screen(word);
            }
            if word == HIDDEN {
                start = Self::Hidden;
            }
        }
        start
    }
}

/// Follows a start of this program: this one's, or that of a process that found this one and ended.
pub fn follow(app: &AppHandle, start: &Start) {
    match start {
        Start::Window => window::open(app),
        Start::Hidden => {}
        Start::Screen(address) => open(app, address),
    }
}

/// Opens the window at an address, or with the reason why that is none.
pub fn open(app: &AppHandle, address: &str) {
    announce(app, address);
    window::open(app);
}

/// Tells the page, or the next one, to go to an address, or why that is none.
pub fn announce(app: &AppHandle, address: &str) {
    let news = match address.parse::<Address>() {
        Ok(address) => News::Go((&address).into()),
        Err(error) => {
            let problem = told(EngineError::user("no_screen", error.to_string()).with_hint(error.hint()));
            News::Mishap { problem: Box::new(problem) }
        }
    };
    app.state::<Wire>().tell_in_time(news);
}

/// Opens the window at a screen.
pub fn go(app: &AppHandle, address: &Address) {
    app.state::<Wire>().tell_in_time(News::Go(address.into()));
    window::open(app);
}

/// Opens the window and tells what went wrong.
pub fn mishap(app: &AppHandle, problem: Problem) {
    app.state::<Wire>().tell_in_time(News::Mishap { problem: Box::new(problem) });
    window::open(app);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_asks_for_the_window_for_nothing_or_for_a_screen() {
        let read = |words: &[&str]| Start::read(words.iter().map(|&word| word.to_owned()));
        assert_eq!(read(&[]), Start::Window);
        assert_eq!(read(&["--hidden"]), Start::Hidden);
        assert_eq!(read(&["--what", "else"]), Start::Window);
        let address = "nonevent://project/shop";
        assert_eq!(read(&["--hidden", address]), Start::Screen(address.to_owned()));
        assert_eq!(read(&["nonevent:nowhere"]), Start::Screen("nonevent:nowhere".to_owned()));
    }
}
