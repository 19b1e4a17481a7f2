//! What something prints while it goes on: kept, so that a page that comes late reads it from its beginning.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nonevent_engine::model::LogLine;
use serde::Serialize;
use specta::Type;
use tokio::sync::watch;

/// Lines that are kept.
const KEPT: usize = 20_000;
/// Lines that a page is sent at once.
const BATCH: usize = 2_000;
/// A page is told no more often than it can draw.
const PAUSE: Duration = Duration::from_millis(40);

/// Some lines of a run or a job, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Lines {
    /// The number of the first of them, from 0. A gap to what came before: older ones are not kept.
    pub first: u64,
    /// The lines.
    pub lines: Vec<LogLine>,
    /// What is being done right now.
    pub progress: Option<String>,
    /// Whether there will be no more.
    pub ended: bool,
}

/// What was printed, as far as it is kept, and whether more may come.
#[derive(Debug, Default)]
pub struct Printed {
    output: Mutex<Output>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Output {
    lines: VecDeque<LogLine>,
    /// The number of the first line that is kept.
    first: u64,
    progress: Option<String>,
    ended: bool,
}

impl Printed {
    /// Keeps a line; the oldest ones go first.
    pub fn line(&self, line: LogLine) {
        let mut output = self.output();
        if output.lines.len() == KEPT {
            output.lines.pop_front();
            output.first += 1;
        }
        output.lines.push_back(line);
        drop(output);
        self.change();
    }

    /// Tells what is being done right now.
    pub fn progress(&self, text: String) {
        self.output().progress = Some(text);
        self.change();
    }

    /// No more will come.
    pub fn end(&self) {
        let mut output = self.output();
        output.ended = true;
        output.progress = None;
        drop(output);
        self.change();
    }

    /// Tells whether no more will come.
    pub fn has_ended(&self) -> bool {
        self.output().ended
    }

    /// Sends the lines that are kept and those that come, until the end or until the receiver is gone.
    pub async fn follow(&self, send: impl Fn(Lines) -> bool) {
        let mut changed = self.changed.subscribe();
        let mut next = 0;
        loop {
            changed.borrow_and_update();
            let lines = self.after(next);
            next = lines.first + lines.lines.len() as u64;
            let (more, ended) = (lines.lines.len() == BATCH, lines.ended);
            if !send(lines) || (ended && !more) {
                return;
            }
            if !more && changed.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn change(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn after(&self, next: u64) -> Lines {
        let output = self.output();
        let first = next.max(output.first);
        let skipped = usize::try_from(first - output.first).unwrap_or(usize::MAX);
        let lines = output.lines.iter().skip(skipped).take(BATCH).cloned().collect();
        Lines { first, lines, progress: output.progress.clone(), ended: output.ended }
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        // Whatever panicked while it held the lock left lines that can be read.
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use nonevent_engine::model::LogStream;

    use super::*;

    fn line(number: usize) -> LogLine {
        LogLine { source: "build".into(), stream: LogStream::Stdout, at: None, text: number.to_string() }
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let printed = Printed::default();
        for number in 0..KEPT + 3 {
            printed.line(line(number));
        }
        let found = printed.after(0);
        assert_eq!((found.first, found.lines.len()), (3, BATCH));
        assert_eq!(found.lines.first().unwrap().text, "3");
    }

    #[tokio::test]
    async fn who_comes_late_reads_from_the_beginning_to_the_end() {
        let printed = Printed::default();
        for number in 0..BATCH + 1 {
            printed.line(line(number));
        }
        printed.progress("the last".into());
        printed.end();
        let seen = Mutex::new((0, false));
        printed
            .follow(|lines| {
                let mut seen = seen.lock().unwrap();
                assert_eq!(lines.first, seen.0, "nothing is sent twice");
                *seen = (lines.first + lines.lines.len() as u64, lines.ended && lines.progress.is_none());
                true
            })
            .await;
        assert_eq!(*seen.lock().unwrap(), (BATCH as u64 + 1, true));
        assert!(printed.has_ended());
    }
}
