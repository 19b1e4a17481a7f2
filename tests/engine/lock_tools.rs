//! The reading of locks held against the tools that write them: uv and Poetry, from the index that is configured here.
//!
//! Needs `uv` on the PATH and an index of Python packages. Poetry is run through uv.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lock/flat_tools.rs"]
mod flat_tools;
#[path = "lock/poetry_tools.rs"]
mod poetry_tools;
#[path = "lock/tags_tools.rs"]
mod tags_tools;
#[path = "lock/unlocked_tools.rs"]
mod unlocked_tools;
#[path = "lock/uv_tools.rs"]
mod uv_tools;
#[path = "lock/world.rs"]
mod world;
