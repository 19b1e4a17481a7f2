//! What Nonevent understands of a project: small real trees, made for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod apps;
mod compose;
mod configuration;
mod documentation;
mod errors;
mod gates;
mod health;
mod init;
mod manifest;
mod processes;
mod robust;
mod source;
mod tree;
