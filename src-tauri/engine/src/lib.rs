//! The engine: everything that Nonevent does, without a face.
//!
//! Command line and desktop stand on [`Engine`]; both read the same [`Event`] stream. The engine knows no Tauri, no clap, no
//! notification daemon and no home folder: whoever opens it hands in its folders.

pub mod certificates;
mod compare;
pub mod diagnosis;
pub mod docker;
mod engine;
mod error;
pub mod event;
pub mod gauntlet;
pub mod health;
pub mod image;
pub mod logs;
pub mod mask;
pub mod model;
pub mod pages;
pub mod pipeline;
pub mod process;
pub mod project;
pub mod request;
mod results;
pub mod rollout;
pub mod schedule;
mod status;
pub mod store;
pub mod target;
pub mod vault;

pub use engine::{Engine, Home, Watched};
pub use error::{EngineError, Fault};
pub use event::{Event, EventBody, Update};
pub use pipeline::changes::SourceChanges;
