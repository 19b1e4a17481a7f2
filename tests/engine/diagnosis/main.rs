//! The diagnosis on recorded logs of real apps: every cause, and what must not be taken for one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod causes;
mod fooled;
mod page;
mod patient;
mod source;
