//! The stages of a run: inspect, lock, build, gauntlet, publish, provision, rollout, bake.

pub mod changes;
mod context;
pub mod deliver;
pub mod gates;
pub mod images;
pub mod placement;
pub mod prove;
pub mod release;
pub mod secrets;
mod stage;
mod start;
pub mod turn;
mod workers;

pub use context::Context;
pub use start::start;
