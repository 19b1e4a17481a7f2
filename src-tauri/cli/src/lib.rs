//! The command line: arguments, one file per verb, output for people and for programs.
//!
//! Owns what a person types and reads in a terminal, and where state is kept on this laptop. Decides nothing about projects,
//! releases or rollouts: every verb asks the engine and shows the answer. Data goes to standard output, everything else to standard
//! error.

pub mod args;
pub mod confirm;
pub mod error;
pub mod exit;
pub mod follow;
pub mod help;
pub mod home;
pub mod interrupt;
pub mod json;
pub mod out;
pub mod page;
pub mod paint;
pub mod problem;
pub mod session;
mod start;
pub mod table;
pub mod tell;
mod terminal;
pub mod usage;
pub mod verbs;
pub mod words;

pub use start::main;
