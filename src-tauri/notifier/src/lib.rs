//! Telling a person on their desktop, and leading them from there to a screen of the window.
//!
//! Owns the notification daemon and the addresses `nonevent://…`. Both faces use it; it decides nothing about who is told of what: that is the
//! engine's.

mod address;
mod lead;
mod notifier;

pub use address::{Address, BadAddress, Screen};
pub use lead::{address_of, may_go_back};
pub use notifier::{Action, NotShown, Notifier};
