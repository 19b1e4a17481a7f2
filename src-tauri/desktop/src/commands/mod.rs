//! What the page may ask, each in a few lines onto the engine.
//!
//! Knows no rules: a command that decides something belongs into the engine.

pub mod background;
pub mod credentials;
pub mod engine;
pub mod environments;
pub mod events;
pub mod health;
pub mod history;
pub mod jobs;
pub mod logs;
pub mod projects;
pub mod results;
pub mod runs;
pub mod secrets;
pub mod trust;
pub mod window;
