//! The connection to a Docker engine: which one, as the docker CLI would choose it, and what it is.
//!
//! Owns: resolution, the client. Does not know what images, gates or instances are made of.

mod connect;

pub use connect::{ConnectError, Docker};
