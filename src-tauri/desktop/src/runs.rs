//! The runs that this window started: their output as it comes, and the way to answer and to stop them.
//!
//! Facts need nothing of this: they are in the store, and every page reads them there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nonevent_engine::model::RunId;
use nonevent_engine::request::{Approval, Run};
use nonevent_engine::{EventBody, Update};
use tauri::async_runtime;
use tokio_util::sync::CancellationToken;

use crate::printed::{Lines, Printed};
use crate::work::GoesOn;

/// Runs whose lines are still there after they have ended.
const ENDED: usize = 8;

/// What the window's own runs print.
#[derive(Debug, Default)]
pub struct Runs {
    attended: Mutex<HashMap<RunId, Arc<Attended>>>,
    /// Whether nobody sees the window.
    away: AtomicBool,
    /// Whether the process has no time for runs any more.
    ends: AtomicBool,
}

#[derive(Debug, Default)]
struct Attended {
    printed: Printed,
    approval: Approval,
    cancel: CancellationToken,
    /// Whether it waits for a person.
    asks: AtomicBool,
}

impl Runs {
    /// Stays with a run until it ends, whatever becomes of the page; so long it goes on.
    pub fn attend(self: &Arc<Self>, run: Run, goes_on: GoesOn) -> RunId {
        let Run { id, mut updates, outcome, approval, cancel } = run;
        let attended = Arc::new(Attended { approval, cancel, ..Attended::default() });
        self.remember(id.clone(), Arc::clone(&attended));
        if self.ends.load(Ordering::SeqCst) {
            attended.cancel.cancel();
        }
        let runs = Arc::clone(self);
        async_runtime::spawn(async move {
            while let Some(update) = updates.recv().await {
                attended.note(&update);
                if runs.away.load(Ordering::SeqCst) {
                    attended.stop_asking();
                }
                attended.take(update);
            }
            // How it ended is in the store.
            let _ = outcome.await;
            attended.printed.end();
            drop(goes_on);
        });
        id
    }

    /// Tells whether a run is of this window.
    pub fn knows(&self, run: &RunId) -> bool {
        locked(&self.attended).contains_key(run)
    }

    /// Agrees to what a run of this window asks for; false when it is not this window's, or has ended.
    pub fn approve(&self, run: &RunId) -> bool {
        let found = locked(&self.attended).get(run).cloned();
        let Some(attended) = found.filter(|one| !one.printed.has_ended()) else { return false };
        attended.asks.store(false, Ordering::SeqCst);
        attended.approval.give();
        true
    }

    /// Nobody sees the window any more: a run that asks, or will, is stopped, as on a terminal that nobody reads. It would hold its
    /// environment for ever.
    pub fn left(&self) {
        self.away.store(true, Ordering::SeqCst);
        for attended in locked(&self.attended).values() {
            attended.stop_asking();
        }
    }

    /// Stops a run of this window cleanly, if it goes on; waits for its end.
    pub async fn stop(&self, run: &RunId) {
        let Some(attended) = locked(&self.attended).get(run).cloned() else { return };
        attended.cancel.cancel();
        attended.printed.follow(|_| true).await;
    }

    /// Stops every run cleanly, also those that are being begun.
    pub fn cancel(&self) {
        self.ends.store(true, Ordering::SeqCst);
        for attended in locked(&self.attended).values() {
            attended.cancel.cancel();
        }
    }

    /// Somebody sees the window again.
    pub fn seen(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    /// Sends the lines of a run, those that are kept and those that come, until it ends or the receiver is gone. False at once when the
    /// run is not this window's.
    pub async fn follow(&self, run: &RunId, send: impl Fn(Lines) -> bool) -> bool {
        let Some(attended) = locked(&self.attended).get(run).cloned() else { return false };
        attended.printed.follow(send).await;
        true
    }

    fn remember(&self, id: RunId, attended: Arc<Attended>) {
        let mut all = locked(&self.attended);
        let mut ended: Vec<RunId> = all.iter().filter(|(_, one)| one.printed.has_ended()).map(|(id, _)| id.clone()).collect();
        // Their ids sort by time.
        ended.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        for old in ended.iter().take(ended.len().saturating_sub(ENDED)) {
            all.remove(old);
        }
        all.insert(id, attended);
    }
}

impl Attended {
    /// Remembers whether it waits for a person.
    fn note(&self, update: &Update) {
        let Update::Event(event) = update else { return };
        match &event.body {
            EventBody::ApprovalWanted { .. } => self.asks.store(true, Ordering::SeqCst),
            EventBody::StepStarted(_) | EventBody::StepFinished(_) | EventBody::RolloutFinished { .. } => {
                self.asks.store(false, Ordering::SeqCst);
            }
            _ => {}
        }
    }

    fn stop_asking(&self) {
        if self.asks.load(Ordering::SeqCst) {
            self.cancel.cancel();
        }
    }

    fn take(&self, update: Update) {
        match update {
            Update::Event(_) => {}
            Update::Progress { text, .. } => self.printed.progress(text),
            Update::Line(line) => self.printed.line(line),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whatever panicked while it held the lock left runs that can be followed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use nonevent_engine::Event;
    use nonevent_engine::event::Question;
    use nonevent_engine::model::{LogLine, LogStream, ProjectName, RolloutId};
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::work::Work;

    fn line(number: usize) -> Update {
        Update::Line(LogLine { source: "build".into(), stream: LogStream::Stdout, at: None, text: number.to_string() })
    }

    fn run() -> (Run, mpsc::Sender<Update>) {
        let (sender, updates) = mpsc::channel(16);
        let (_, outcome) = oneshot::channel();
        (Run { id: RunId::new("1"), updates, outcome, cancel: CancellationToken::new(), approval: Approval::default() }, sender)
    }

    #[tokio::test]
    async fn every_line_reaches_a_page_that_comes_late() {
        let (run, sender) = run();
        let runs = Arc::new(Runs::default());
        let id = runs.attend(run, Work::default().begin());
        for number in 0..5 {
            sender.send(line(number)).await.unwrap();
        }
        drop(sender);
        let seen = Mutex::new(Vec::new());
        let ours = runs.follow(&id, |batch| {
            locked(&seen).extend(batch.lines.into_iter().map(|line| line.text));
            true
        });
        assert!(ours.await);
        assert_eq!(*locked(&seen), ["0", "1", "2", "3", "4"]);
        assert!(!runs.follow(&RunId::new("2"), |_| true).await, "another process's run");
    }

    #[tokio::test]
    async fn it_is_told_when_nothing_goes_on_any_more() {
        let (run, sender) = run();
        let (runs, work) = (Arc::new(Runs::default()), Work::default());
        runs.attend(run, work.begin());
        assert!(!work.is_idle());
        drop(sender);
        work.idle().await;
    }

    #[tokio::test]
    async fn who_asks_is_answered_while_it_goes_on() {
        let (run, sender) = run();
        let approval = run.approval.clone();
        let (runs, work) = (Arc::new(Runs::default()), Work::default());
        let id = runs.attend(run, work.begin());
        assert!(runs.approve(&id));
        approval.given().await;
        assert!(!runs.approve(&RunId::new("2")), "another process's run");
        drop(sender);
        work.idle().await;
        assert!(!runs.approve(&id), "it has ended");
    }

    #[tokio::test]
    async fn every_run_is_stopped_also_one_that_was_being_begun() {
        let (runs, work) = (Arc::new(Runs::default()), Work::default());
        let ((first, _updates), (late, _more)) = (run(), run());
        let cancelled = [first.cancel.clone(), late.cancel.clone()];
        runs.attend(first, work.begin());
        runs.cancel();
        runs.attend(late, work.begin());
        assert!(cancelled.iter().all(CancellationToken::is_cancelled));
    }

    fn asks() -> Update {
        let question = Question::Downtime { because: "nothing will answer".into() };
        Update::Event(Box::new(Event {
            v: 1,
            seq: 1,
            at: String::new(),
            project: ProjectName::new("shop"),
            run: RunId::new("1"),
            body: EventBody::ApprovalWanted { rollout: RolloutId::new("1"), question },
        }))
    }

    #[tokio::test]
    async fn who_asks_is_stopped_when_nobody_is_there() {
        let (run, sender) = run();
        let cancel = run.cancel.clone();
        let runs = Arc::new(Runs::default());
        runs.attend(run, Work::default().begin());
        runs.left();
        assert!(!cancel.is_cancelled(), "what does not ask goes on");
        sender.send(asks()).await.unwrap();
        cancel.cancelled().await;
    }

    #[tokio::test]
    async fn who_was_answered_goes_on_without_anybody() {
        let (run, sender) = run();
        let cancel = run.cancel.clone();
        let runs = Arc::new(Runs::default());
        let id = runs.attend(run, Work::default().begin());
        sender.send(asks()).await.unwrap();
        sender.send(line(0)).await.unwrap();
        let attended = Arc::clone(locked(&runs.attended).get(&id).unwrap());
        // Until the line is there, and with it the question before it.
        attended.printed.follow(|lines| lines.lines.is_empty()).await;
        assert!(runs.approve(&id));
        runs.left();
        assert!(!cancel.is_cancelled());
    }
}
