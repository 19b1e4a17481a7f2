//! The stages of a run: inspect, lock, build, gauntlet, publish, provision, rollout, bake.

mod context;

pub use context::Context;
