//! Work that changes something: the process does not end in the middle of it, and what is asked for again while it goes on is not done a
//! second time.
//!
//! When a page is loaded anew its bridge asks once more for whatever was not answered yet (Tauri's `ipc-protocol.js`).

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OnceCell, watch};

/// What this process is about to change, and the answers that are waited for.
#[derive(Debug, Default)]
pub struct Work {
    count: watch::Sender<usize>,
    answers: Mutex<HashMap<Call, Weak<dyn Any + Send + Sync>>>,
}

/// A command with its arguments. Of these a hash: there may be secrets among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call {
    command: &'static str,
    arguments: u64,
}

/// Counts as work until it is dropped.
#[derive(Debug)]
pub struct GoesOn(watch::Sender<usize>);

impl Call {
    /// Names a command and what it is asked for.
    pub fn new(command: &'static str, arguments: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        arguments.hash(&mut hasher);
        Self { command, arguments: hasher.finish() }
    }
}

impl Work {
    /// Counts what begins now.
    pub fn begin(&self) -> GoesOn {
        self.count.send_modify(|count| *count += 1);
        GoesOn(self.count.clone())
    }

    /// Waits until nothing goes on.
    pub async fn idle(&self) {
        let mut count = self.count.subscribe();
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Tells whether nothing goes on.
    pub fn is_idle(&self) -> bool {
        *self.count.borrow() == 0
    }

    /// Does something, or waits for its answer where the same call goes on already. A call is answered by one type.
    pub async fn shared<T>(&self, call: Call, work: impl Future<Output = T>) -> T
    where
        T: Clone + Send + Sync + 'static,
    {
        let answer = self.answer(call);
        answer.get_or_init(|| work).await.clone()
    }

    /// Tells whether somebody waits for the answer of a call.
    pub fn goes_on(&self, call: Call) -> bool {
        self.answers().get(&call).is_some_and(|answer| answer.strong_count() > 0)
    }

    /// The place of an answer, as long as somebody waits for it.
    fn answer<T: Send + Sync + 'static>(&self, call: Call) -> Arc<OnceCell<T>> {
        let mut answers = self.answers();
        answers.retain(|_, answer| answer.strong_count() > 0);
        if let Some(answer) = answers.get(&call).and_then(Weak::upgrade).and_then(|answer| answer.downcast::<OnceCell<T>>().ok())
        {
            return answer;
        }
        let answer = Arc::new(OnceCell::<T>::new());
        let weak = Arc::downgrade(&answer);
        answers.insert(call, weak);
        answer
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Call, Weak<dyn Any + Send + Sync>>> {
        // Whatever panicked while it held the lock left answers that can be waited for.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GoesOn {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn whoever_asks_for_what_goes_on_has_the_same_answer() {
        let work = Arc::new(Work::default());
        let (tell, told) = oneshot::channel();
        let mend = || Call::new("mend_lock", "shop");
        let first = tokio::spawn({
            let work = Arc::clone(&work);
            async move { work.shared(mend(), async { told.await.unwrap() }).await }
        });
        // Until the first one waits.
        while !work.goes_on(mend()) {
            tokio::task::yield_now().await;
        }
        let again = work.shared(mend(), async { "another" });
        let other = work.shared(Call::new("mend_lock", "blog"), async { "of the blog" });
        assert_eq!(other.await, "of the blog");
        tell.send("of the shop").unwrap();
        assert_eq!((again.await, first.await.unwrap()), ("of the shop", "of the shop"));
        assert!(!work.goes_on(mend()));
        assert_eq!(work.shared(mend(), ready("anew")).await, "anew", "it had ended");
    }

    #[tokio::test]
    async fn what_is_given_up_is_done_by_who_asks_next() {
        let work = Work::default();
        let call = Call::new("recover", ("shop", "local"));
        let given_up = work.shared(call, pending::<i32>());
        assert!(tokio::time::timeout(std::time::Duration::ZERO, given_up).await.is_err());
        assert_eq!(work.shared(call, ready(1)).await, 1);
    }

    #[tokio::test]
    async fn it_is_idle_when_all_has_ended() {
        let work = Work::default();
        work.idle().await;
        let (first, second) = (work.begin(), work.begin());
        drop(first);
        assert!(!work.is_idle());
        drop(second);
        work.idle().await;
        assert!(work.is_idle());
    }
}
