//! The desktop shell: a window on the engine.
//!
//! Owns the window, the bridge between page and engine, and what the operating system offers to a window (one instance, folder picker,
//! browser). Knows no Docker and no database: whatever is shown is asked of [`nonevent_engine::Engine`].

mod address;
mod commands;
mod desk;
mod editor;
mod home;
pub mod ipc;
mod jobs;
mod log;
mod preferences;
mod runs;
mod start;

pub use start::main;
