//! What a home remembers: projects, runs, events, releases, rollouts with their journal.
//!
//! The only user of `rusqlite`. Knows no target: what serves is asked there, never read here.

mod caches;
mod cancels;
mod durations;
mod events;
pub mod health;
mod jobs;
pub mod logs;
mod lookups;
mod open;
mod projects;
mod proofs;
mod releases;
mod results;
mod rollouts;
mod runs;
mod vaults;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use caches::GateCache;
pub use health::HealthStore;
pub use jobs::JobEnded;
pub use logs::LogStore;
pub use open::StoreError;
pub use projects::KnownProject;
pub use proofs::Proof;
pub use results::{GateKey, Wanted};
pub use watch::watch;

/// The database of a home. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back; the connection itself is whole.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The present time as events and rows hold it: RFC 3339 with milliseconds, in UTC.
pub fn now() -> String {
    format_time(Timestamp::now())
}

/// This process as rows hold it: its id, and when it started.
fn own_process() -> (u32, i64) {
    let id = std::process::id();
    (id, i64::try_from(crate::process::started(id)).unwrap_or_default())
}

/// A time as events and rows hold it.
pub fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Shape { reason: error.to_string() })
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Shape { reason: error.to_string() })
}

/// The word that serde writes for a state, as a column holds it.
fn to_word(value: &impl Serialize) -> Result<String, StoreError> {
    Ok(to_json(value)?.trim_matches('"').to_owned())
}

fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    from_json(&format!("\"{word}\""))
}
