//! The desktop shell as others see it, without a display.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod bindings;
mod bundle;
mod grants;
