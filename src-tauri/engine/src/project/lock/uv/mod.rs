//! `uv.lock`: reading it, choosing from it, and telling whether it is fresh, without uv.

mod fresh;
mod groups;
mod lower;
mod options;
mod schema;
mod select;
mod settings;
mod workspace;

pub(super) use schema::UvLock;
pub(super) use workspace::{lock_root, shows_uv};
