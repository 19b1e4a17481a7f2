//! The main job on real parts: the real command line, a real engine, the examples that the README ships.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)]

mod bad_input;
mod blind;
mod check;
mod cleaning;
mod crash;
mod engines;
mod examples;
mod findings;
mod full;
mod going;
mod health;
mod history;
mod jobs;
mod keychain;
mod killed;
mod kills;
mod load;
mod locks;
mod logs;
mod notify;
mod own_engine;
mod paging;
mod probing;
mod registry;
mod rollback;
mod scanner;
mod secrets;
mod services;
mod soak;
mod storing;
mod traffic;
mod watching;
mod workspace;
mod world;
