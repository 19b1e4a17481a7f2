//! The real window, driven as a person drives it: the debug binary through WebDriver, on a real home, beside a real engine.
//!
//! Needs a display, a session bus, `tauri-driver` and `WebKitWebDriver`: run it by `scripts/window-test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod acts;
mod back;
mod closing;
mod consent;
mod desktop;
mod fragile;
mod health;
mod instance;
mod left;
mod links;
mod logs;
mod notices;
mod page;
mod projects;
mod reload;
mod run;
mod saves;
mod secrets;
mod ship;
mod tour;
mod tray;
mod walls;
mod watch;
mod world;
