//! Locks without tools and without a network: which one counts, what is refused and in which words, which file is chosen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lock/choice.rs"]
mod choice;
#[path = "lock/flat.rs"]
mod flat;
#[path = "lock/graph.rs"]
mod graph;
#[path = "lock/pins.rs"]
mod pins;
#[path = "lock/sheets.rs"]
mod sheets;
#[path = "lock/which.rs"]
mod which;
#[path = "lock/world.rs"]
#[allow(dead_code)]
mod world;

use nonevent_engine::model::LockSituation;
use nonevent_engine::project::lock::LockFile;

/// A made-up sha256 that ends with a number.
pub fn sha(number: u32) -> String {
    format!("{number:064x}")
}

/// What a look at a lock brings, as `Situation: message / hint`.
pub fn found(lock: &LockFile) -> Vec<String> {
    let line = |situation: LockSituation, message: &str, hint: &str| format!("{situation:?}: {message} / {hint}");
    lock.check().findings.iter().map(|finding| line(finding.situation, &finding.message, &finding.hint)).collect()
}
