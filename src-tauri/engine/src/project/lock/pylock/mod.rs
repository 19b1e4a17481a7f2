//! `pylock.toml` (PEP 751): a flat list of packages with markers, files, URLs and hashes.

mod schema;
mod select;

pub(super) use schema::Pylock;
