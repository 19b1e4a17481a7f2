//! `poetry.lock`, version 2.1: a flat list of packages with groups, markers and file names, without URLs.

mod fresh;
mod hash;
mod schema;
mod select;

pub(super) use schema::PoetryLock;
