//! Tests of the wheel builder that need no engine: of synthetic wheels.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod builds;
mod fetches;
mod installs;
mod synthetic;
