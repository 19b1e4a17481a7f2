//! What instances print: lines joined to records, records read, filters, the bytes that they are kept as. Pure.
//!
//! Knows no engine and no database: `store::logs` keeps, `engine::logs` collects and answers.

mod cursor;
pub mod filter;
pub mod join;
pub mod parse;

pub use cursor::{Cursor, Resume};
pub use filter::{Filter, FilterError};
pub use join::{Joined, Joiner, Line};
