//! The jobs that this window runs by hand, and the way to stop each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Project, environment, job.
pub type JobKey = (String, String, String);

/// What this window runs now.
#[derive(Debug, Default)]
pub struct Jobs(Mutex<HashMap<JobKey, CancellationToken>>);

impl Jobs {
    /// Remembers that a job is run, until `ended`; returns what stops it.
    pub fn begun(&self, key: JobKey) -> CancellationToken {
        let stop = CancellationToken::new();
        self.all().insert(key, stop.clone());
        stop
    }

    /// Forgets it.
    pub fn ended(&self, key: &JobKey) {
        self.all().remove(key);
    }

    /// Stops a job with its grace time; false when this window does not run it.
    pub fn stop(&self, key: &JobKey) -> bool {
        match self.all().get(key) {
            Some(stop) => {
                stop.cancel();
                true
            }
            None => false,
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<JobKey, CancellationToken>> {
        // Whatever panicked while it held the lock left tokens that can be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_stopped_while_it_runs_here() {
        let jobs = Jobs::default();
        let key = || ("shop".to_owned(), "local".to_owned(), "cleanup".to_owned());
        assert!(!jobs.stop(&key()));
        let stop = jobs.begun(key());
        assert!(jobs.stop(&key()) && stop.is_cancelled());
        jobs.ended(&key());
        assert!(!jobs.stop(&key()));
    }
}
