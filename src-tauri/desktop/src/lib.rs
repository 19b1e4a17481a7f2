//! The desktop shell: a window on the engine.
//!
//! Owns the window, the bridge between page and engine, and what the operating system offers to a window (one instance, folder picker,
//! browser, tray, notifications, start at login), and the process that goes on watching when the window is closed. Knows no Docker and no database: whatever is shown is asked of [`nonevent_engine::Engine`].

mod commands;
mod desk;
mod editor;
mod feed;
mod home;
pub mod ipc;
mod jobs;
mod links;
mod log;
mod login;
mod news;
mod notices;
mod preferences;
mod printed;
mod runs;
mod saves;
#[cfg(unix)]
mod signals;
mod start;
mod tray;
mod watching;
mod window;
mod work;

pub use start::main;
