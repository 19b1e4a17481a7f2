//! Telling a person on their desktop, leading them from there to a screen of the window, and showing them an app in their browser.
//!
//! Owns the notification daemon, the addresses `nonevent://…`, and which addresses reach the browser. Both faces use it; it decides nothing
//! about who is told of what: that is the engine's.

mod address;
pub mod browser;
mod lead;
mod notifier;
pub mod outside;

pub use address::{Address, BadAddress, Screen};
pub use lead::{address_of, may_go_back};
pub use notifier::{Action, NotShown, Notifier};
