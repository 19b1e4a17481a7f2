//! A stream to the page in place of the one before it.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tauri::async_runtime::{self, JoinHandle};

/// One stream at a time: who asked last has it, however long an answer before it takes.
#[derive(Debug, Default)]
pub struct Feed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: u64,
    goes_on: Option<JoinHandle<()>>,
}

/// A place in the order in which streams were asked for.
#[derive(Debug)]
pub struct Turn(u64);

impl Feed {
    /// Ends what is sent, and gives the next one its place: taken before anything that may take long.
    pub fn turn(&self) -> Turn {
        let mut state = self.state();
        state.asked += 1;
        end(state.goes_on.take());
        Turn(state.asked)
    }

    /// Begins to send, unless another one was asked for meanwhile: then nothing is sent.
    pub fn begin(&self, turn: Turn, stream: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        if state.asked == turn.0 {
            end(state.goes_on.replace(async_runtime::spawn(stream)));
        }
    }

    /// Sends this from now on.
    pub fn replace(&self, stream: impl Future<Output = ()> + Send + 'static) {
        self.begin(self.turn(), stream);
    }

    /// Sends nothing any more, also of what was asked for and not yet begun.
    pub fn end(&self) {
        self.turn();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever panicked while it held the lock left a number and a stream that can be ended.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.end();
    }
}

fn end(stream: Option<JoinHandle<()>>) {
    if let Some(stream) = stream {
        stream.abort();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::sync::oneshot::{self, Receiver};

    use super::*;

    /// A stream that goes on until it is ended, and the news of its end.
    fn endless() -> (impl Future<Output = ()> + Send + 'static, Receiver<()>) {
        let (held, dropped) = oneshot::channel::<()>();
        let stream = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        (stream, dropped)
    }

    #[tokio::test]
    async fn a_new_stream_ends_the_one_before() {
        let feed = Feed::default();
        let (stream, mut first) = endless();
        feed.replace(stream);
        assert!(first.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        let (stream, mut second) = endless();
        feed.replace(stream);
        assert!(first.await.is_err(), "the first stream was dropped, and its sender with it");
        assert!(second.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
    }

    #[tokio::test]
    async fn a_late_answer_does_not_take_the_place_of_a_newer_stream() {
        let feed = Feed::default();
        let slow = feed.turn();
        let (newer, mut goes_on) = endless();
        feed.replace(newer);
        let (late, dropped) = endless();
        feed.begin(slow, late);
        assert!(dropped.await.is_err(), "it is not begun");
        assert!(goes_on.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty), "the newer one goes on");
    }

    #[tokio::test]
    async fn what_was_ended_before_it_began_does_not_begin() {
        let feed = Feed::default();
        let slow = feed.turn();
        feed.end();
        let (late, dropped) = endless();
        feed.begin(slow, late);
        assert!(dropped.await.is_err());
    }
}
