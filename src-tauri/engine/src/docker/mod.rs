//! The connection to a Docker engine: which one, as the docker CLI would choose it, what it is, and containers that run once.
//!
//! Owns: resolution, the client, the raw wire, logins of registries, one-off containers. Does not know what images, gates or
//! instances are made of.

mod address;
mod connect;
mod context;
mod dial;
pub mod disk;
mod error;
mod lines;
mod login;
pub mod once;
mod pull;
pub(crate) mod service;
mod tls;

pub use connect::Docker;
pub use context::Surroundings;
pub(crate) use dial::Wire;
pub use error::ConnectError;
pub(crate) use lines::{LineCutter, LineSender};
pub use login::{KeptLogins, Login, LoginError, kept_login, login_for, login_server, offer_logins, registry_of};
pub use pull::PullError;
pub(crate) use pull::{pull, said};
