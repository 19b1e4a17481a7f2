//! Who holds an environment's lock, and whether that process still lives.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Place;

/// Who wants, or holds, an environment's lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// `user@host`.
    pub owner: String,
    /// The process's id on that host.
    pub pid: u32,
    /// What it does, such as `ship 3f2a91c04d5e`.
    pub purpose: String,
    /// Since when, RFC 3339, by the engine's clock.
    pub since: String,
    /// The last heartbeat, RFC 3339, by the engine's clock.
    pub beat: String,
    /// The machine on which the process is, see [`crate::process::machine`]; empty where it has no name.
    #[serde(default)]
    pub machine: String,
    /// The moment at which the process started, see [`crate::process::started`]; 0 where it is not known.
    #[serde(default)]
    pub started: u64,
}

impl LockHolder {
    /// Names this process as who wants a lock.
    pub fn this_process(owner: &str, purpose: &str, since: &str) -> Self {
        let pid = std::process::id();
        Self {
            owner: owner.to_owned(),
            pid,
            purpose: purpose.to_owned(),
            since: since.to_owned(),
            beat: since.to_owned(),
            machine: crate::process::machine(),
            started: crate::process::started(pid),
        }
    }

    /// Tells whether it was a process of this very machine that is gone.
    pub fn has_ended(&self) -> bool {
        let machine = crate::process::machine();
        // Where machines have no name, whoever has the same name works on the same one.
        let here = if machine.is_empty() { self.owner == crate::process::who() } else { self.machine == machine };
        here && !crate::process::still_runs(self.pid, self.started)
    }
}

/// A lock that is held, as the engine's clock judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// By whom.
    pub holder: LockHolder,
    /// The number of the holder's fence.
    pub number: u64,
    /// Time since the last heartbeat.
    pub silent: Duration,
    /// Whether the holder lives.
    pub life: Life,
}

/// Whether the holder of a lock lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It has shown so.
    Living,
    /// It has not shown so for too long: it ended, or it sleeps.
    Silent,
    /// Its process, of this very machine, is gone.
    Ended,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let LockHolder { owner, pid, purpose, since, .. } = &self.holder;
        let seconds = self.silent.as_secs();
        write!(f, "{owner} since {since}: {purpose} (process {pid}, heartbeat {seconds} s ago, fence {})", self.number)
    }
}

/// Proof of holding an environment's lock; a newer holder's number is higher, and a target refuses an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The environment.
    pub place: Place,
    /// Grows with each holder.
    pub number: u64,
    /// Distinguishes holders of one number across a race.
    pub token: String,
}
