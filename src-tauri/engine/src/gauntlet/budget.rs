//! What gates that run side by side may use together: cores and memory.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::model::{EngineInfo, GateBudget};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What gates may use together, and each of them at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Cores; each gate counts as one, or as many as its workers.
    pub cores: u32,
    /// Bytes of memory of all gates.
    pub memory: u64,
    /// Bytes of memory of one gate: its limit, and what it counts as.
    pub gate_memory: u64,
}

impl Budget {
    /// Returns what suits an engine: all its cores, three quarters of its memory; a gate gets half of that, at most 4 GiB.
    pub fn for_engine(engine: &EngineInfo, wanted: GateBudget) -> Self {
        let memory = wanted.memory.unwrap_or(engine.memory / 4 * 3).max(GIB / 2);
        Self {
            cores: wanted.cores.unwrap_or(engine.cpus).max(1),
            memory,
            gate_memory: (memory / 2).clamp(GIB / 2, 4 * GIB).min(memory),
        }
    }
}

/// Where gates wait for their place.
pub(super) struct Places {
    cores: Semaphore,
    /// In mebibytes.
    memory: Semaphore,
    all: u32,
    each: u32,
}

/// A gate's place; it is free again when this is dropped.
pub(super) struct Place<'a> {
    _cores: Option<SemaphorePermit<'a>>,
    _memory: Option<SemaphorePermit<'a>>,
}

impl Places {
    pub(super) fn new(budget: Budget) -> Self {
        let mebibytes = |bytes: u64| u32::try_from(bytes / MIB).unwrap_or(u32::MAX).max(1);
        let all = mebibytes(budget.memory).min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self {
            cores: Semaphore::new(budget.cores.max(1) as usize),
            all: budget.cores.max(1),
            memory: Semaphore::new(all as usize),
            each: mebibytes(budget.gate_memory).min(all),
        }
    }

    /// Waits for a place with as many cores, or all that there are. Whoever waits for memory holds a core already, so that nobody waits for each other.
    pub(super) async fn take(&self, cores: u32) -> Place<'_> {
        let cores = cores.clamp(1, self.all);
        // Neither is ever closed.
        Place { _cores: self.cores.acquire_many(cores).await.ok(), _memory: self.memory.acquire_many(self.each).await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::model::{EngineOrigin, StoreKind};

    fn engine(cpus: u32, memory: u64) -> EngineInfo {
        EngineInfo {
            host: "unix:///x".into(),
            origin: EngineOrigin::DefaultSocket,
            version: "28".into(),
            api: "1.50".into(),
            platform: "linux/amd64".into(),
            store: StoreKind::Classic,
            mirrors: Vec::new(),
            memory,
            cpus,
            podman: false,
        }
    }

    #[test]
    fn a_budget_suits_the_engine_unless_it_is_given() {
        let usual = Budget::for_engine(&engine(16, 32 * GIB), GateBudget::default());
        assert_eq!(usual, Budget { cores: 16, memory: 24 * GIB, gate_memory: 4 * GIB });
        let small = Budget::for_engine(&engine(2, 2 * GIB), GateBudget::default());
        assert_eq!((small.cores, small.gate_memory), (2, 768 * MIB));
        let unknown = Budget::for_engine(&engine(0, 0), GateBudget::default());
        assert_eq!((unknown.cores, unknown.memory, unknown.gate_memory), (1, GIB / 2, GIB / 2));
        let wanted = GateBudget { cores: Some(3), memory: Some(6 * GIB), cache: None };
        let given = Budget::for_engine(&engine(16, 32 * GIB), wanted);
        assert_eq!(given, Budget { cores: 3, memory: 6 * GIB, gate_memory: 3 * GIB });
    }

    #[tokio::test]
    async fn as_many_gates_run_as_cores_and_memory_allow() {
        let table = [(4, 8, 4, 2), (1, 8, 1, 1), (8, 3, 1, 3), (2, 1, 4, 1)];
        for (cores, memory, each, expected) in table {
            let places = Places::new(Budget { cores, memory: memory * GIB, gate_memory: each * GIB });
            let mut taken: Vec<Place<'_>> = std::iter::from_fn(|| places.take(1).now_or_never()).collect();
            assert_eq!(taken.len(), expected, "{cores} cores, {memory} GiB, {each} GiB each");
            drop(taken.pop());
            assert!(places.take(1).now_or_never().is_some());
        }
    }
}
