//! The jobs that this window runs by hand: what they print, and the way to stop each. They do not depend on the page, and end with the
//! process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nonevent_engine::model::LogLine;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::feed::Feed;
use crate::printed::{Lines, Printed};

/// Project, environment, job.
pub type JobKey = (String, String, String);

/// What this window runs now.
#[derive(Debug, Default)]
pub struct Jobs {
    all: Mutex<HashMap<JobKey, Arc<Going>>>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Going {
    stop: CancellationToken,
    printed: Printed,
    /// The page that follows it, beside the one that began it.
    page: Feed,
}

/// A job that goes on, until this is dropped.
#[derive(Debug)]
pub struct Begun {
    jobs: Arc<Jobs>,
    key: JobKey,
    going: Arc<Going>,
}

impl Jobs {
    /// Remembers that a job is run; none when this window runs it already.
    pub fn begin(self: &Arc<Self>, key: JobKey) -> Option<Begun> {
        let going = Arc::new(Going::default());
        match self.all().entry(key.clone()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(free) => free.insert(Arc::clone(&going)),
        };
        self.count.send_modify(|count| *count += 1);
        Some(Begun { jobs: Arc::clone(self), key, going })
    }

    /// Lists the jobs of an environment that this window runs now, by name.
    pub fn of(&self, project: &str, environment: &str) -> Vec<String> {
        let all = self.all();
        let here = all.keys().filter(|(one, other, _)| one == project && other == environment);
        let mut names: Vec<String> = here.map(|(_, _, job)| job.clone()).collect();
        names.sort();
        names
    }

    /// Stops a job with its grace time; false when this window does not run it.
    pub fn stop(&self, key: &JobKey) -> bool {
        let found = self.found(key);
        found.inspect(|going| going.stop.cancel()).is_some()
    }

    /// Sends what a job printed and prints, in place of the page before, until it ends; false when this window does not run it.
    pub fn follow(&self, key: &JobKey, send: impl Fn(Lines) -> bool + Send + Sync + 'static) -> bool {
        let Some(going) = self.found(key) else { return false };
        let followed = Arc::clone(&going);
        going.page.replace(async move { followed.printed.follow(send).await });
        true
    }

    /// Stops all of them and waits for their ends, no longer than this.
    pub async fn end(&self, patience: Duration) {
        for going in self.all().values() {
            going.stop.cancel();
        }
        let mut count = self.count.subscribe();
        if tokio::time::timeout(patience, count.wait_for(|count| *count == 0)).await.is_err() {
            tracing::warn!("jobs did not end in time");
        }
    }

    fn found(&self, key: &JobKey) -> Option<Arc<Going>> {
        self.all().get(key).cloned()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<JobKey, Arc<Going>>> {
        // Whatever panicked while it held the lock left jobs that can be stopped.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Begun {
    /// What is cancelled when it shall stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.going.stop
    }

    /// Keeps what it prints, to the last line.
    pub async fn keep(&self, mut lines: mpsc::Receiver<LogLine>) {
        while let Some(line) = lines.recv().await {
            self.going.printed.line(line);
        }
        self.going.printed.end();
    }

    /// Sends what it prints until it ends or the receiver is gone.
    pub async fn tell(&self, send: impl Fn(Lines) -> bool) {
        self.going.printed.follow(send).await;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // A panic may have come before the last line.
        self.going.printed.end();
        self.jobs.all().remove(&self.key);
        self.jobs.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use nonevent_engine::model::LogStream;

    use super::*;

    fn key() -> JobKey {
        ("shop".to_owned(), "local".to_owned(), "cleanup".to_owned())
    }

    fn line(text: &str) -> LogLine {
        LogLine { source: "cleanup".into(), stream: LogStream::Stdout, at: None, text: text.into() }
    }

    #[test]
    fn a_job_is_stopped_while_it_runs_here() {
        let jobs = Arc::new(Jobs::default());
        assert!(!jobs.stop(&key()));
        let begun = jobs.begin(key()).unwrap();
        assert_eq!((jobs.of("shop", "local"), jobs.of("shop", "staging")), (vec!["cleanup".to_owned()], vec![]));
        assert!(jobs.stop(&key()) && begun.stop().is_cancelled());
        drop(begun);
        assert!(!jobs.stop(&key()) && jobs.of("shop", "local").is_empty());
    }

    #[test]
    fn a_second_one_is_refused_and_takes_nothing_from_the_first() {
        let jobs = Arc::new(Jobs::default());
        let first = jobs.begin(key()).unwrap();
        assert!(jobs.begin(key()).is_none());
        assert!(jobs.stop(&key()) && first.stop().is_cancelled());
    }

    #[tokio::test]
    async fn a_page_that_comes_later_reads_it_from_the_beginning_to_the_end() {
        let jobs = Arc::new(Jobs::default());
        let begun = jobs.begin(key()).unwrap();
        let (sender, lines) = mpsc::channel(8);
        let keeping = tokio::spawn(async move { begun.keep(lines).await });
        sender.send(line("one")).await.unwrap();
        let (tell, mut told) = mpsc::unbounded_channel();
        assert!(jobs.follow(&key(), move |lines| tell.send(lines).is_ok()));
        sender.send(line("two")).await.unwrap();
        drop(sender);
        keeping.await.unwrap();
        let mut seen = Vec::new();
        let mut ended = false;
        while let Some(lines) = told.recv().await {
            seen.extend(lines.lines.into_iter().map(|line| line.text));
            ended = lines.ended;
        }
        assert_eq!((seen, ended), (vec!["one".to_owned(), "two".to_owned()], true));
        assert!(!jobs.follow(&key(), |_| true), "it has ended");
    }

    #[tokio::test]
    async fn the_end_of_the_process_waits_for_jobs_that_it_stops() {
        let jobs = Arc::new(Jobs::default());
        let begun = jobs.begin(key()).unwrap();
        let stop = begun.stop().clone();
        let ending = tokio::spawn({
            let jobs = Arc::clone(&jobs);
            async move { jobs.end(Duration::from_secs(60)).await }
        });
        stop.cancelled().await;
        assert!(!ending.is_finished(), "it has its grace time");
        drop(begun);
        ending.await.unwrap();
        jobs.end(Duration::ZERO).await;
    }
}
