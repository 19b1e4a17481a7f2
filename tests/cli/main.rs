//! The command line from outside: what people and programs read, and the binary itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod black_box;
mod confirm;
mod docs;
mod errors;
mod follow;
mod help;
mod home;
mod human;
mod programs;
mod recording;
mod results;
mod scenarios;
mod tables;
mod trust;
mod words;
