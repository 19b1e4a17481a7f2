//! What Nonevent's own tests share: a scripted target, a laptop that moves it, the contract that every target fulfils, samples of the model.
//!
//! Never part of what is shipped. Panics are its way of failing, as in any test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

pub mod contract;
pub mod laptop;
pub mod sample;
pub mod screen;
pub mod scripted;
pub mod shop;
