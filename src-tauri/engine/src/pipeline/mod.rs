//! The stages of a run: inspect, lock, build, gauntlet, publish, provision, rollout, bake.

mod context;
pub mod placement;
pub mod release;
mod start;

pub use context::Context;
pub use start::start;
