//! This process watches what serves, unless another one of this home does: probes, incidents, jobs, logs, as `nonevent watch`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nonevent_engine::model::{Notice, Problem};
use nonevent_engine::{Engine, EngineError, Watched};
use serde::Serialize;
use specta::Type;
use tauri::{AppHandle, Manager, async_runtime};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::desk::{Answer, Desk, told};
use crate::notices;

/// Time between two tries to begin.
const AGAIN: Duration = Duration::from_secs(30);
/// Time that jobs which run have for their end when the process is to end. What takes longer is found by whoever watches next.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Notices that wait for the desktop to show others.
const ROOM: usize = 256;

/// Who watches this home.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum Watcher {
    /// It is not known yet.
    #[default]
    Looking,
    /// This process.
    Here {
        /// What it cannot do now, in words.
        hindered: Vec<String>,
    },
    /// Another one; this process waits for its end.
    Elsewhere {
        /// Who, as it wrote; may be empty.
        holder: String,
        /// Since when, RFC 3339; none where it did not write that.
        since: Option<String>,
    },
    /// Nobody.
    Nobody {
        /// Why this process cannot.
        problem: Box<Problem>,
    },
}

/// The watch of this process.
#[derive(Debug, Default)]
pub struct Watching {
    watcher: watch::Sender<Watcher>,
    again: Notify,
    goes_on: Mutex<Option<Loop>>,
}

/// One that was begun.
#[derive(Debug, Clone, Default)]
struct Loop {
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Watching {
    /// Begins, unless it has begun.
    pub fn begin(&self, app: &AppHandle) {
        let mut goes_on = self.goes_on();
        if goes_on.as_ref().is_none_or(|one| one.stop.is_cancelled()) {
            let Loop { stop, ended } = goes_on.insert(Loop::default()).clone();
            let app = app.clone();
            async_runtime::spawn(async move {
                let _ended = ended.drop_guard();
                keep_on(app, stop).await;
            });
        }
    }

    /// Who watches, as it changes.
    pub fn watcher(&self) -> watch::Receiver<Watcher> {
        self.watcher.subscribe()
    }

    /// Tries again now what could not be begun.
    pub fn again(&self) {
        self.again.notify_one();
    }

    /// Ends it, with what runs; waits for that, whoever else does.
    pub async fn end(&self) {
        let Some(one) = self.goes_on().clone() else { return };
        one.stop.cancel();
        if tokio::time::timeout(PATIENCE, one.ended.cancelled()).await.is_err() {
            tracing::warn!("watching did not end in time");
        }
    }

    fn goes_on(&self) -> MutexGuard<'_, Option<Loop>> {
        self.goes_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_on(app: AppHandle, stop: CancellationToken) {
    let watching = app.state::<Watching>();
    let (sender, notices) = mpsc::channel(ROOM);
    // Apart, so that a desktop that is slow to show something does not hold up what is watched.
    async_runtime::spawn(notices::show_all(app.clone(), notices));
    while !stop.is_cancelled() {
        let problem = match app.state::<Desk>().engine().await {
            Ok(engine) => hold(engine, &watching.watcher, &sender, &stop).await,
            Err(problem) => Err(problem),
        };
        let Err(problem) = problem else { break };
        tracing::warn!(problem = %problem.message, "nobody watches");
        watching.watcher.send_replace(Watcher::Nobody { problem: Box::new(problem) });
        tokio::select! {
            () = stop.cancelled() => {}
            () = watching.again.notified() => {}
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
    watching.watcher.send_replace(Watcher::Looking);
}

fn change(watcher: &watch::Sender<Watcher>, change: impl FnOnce(&mut Vec<String>)) {
    watcher.send_modify(|watcher| {
        if let Watcher::Here { hindered } = watcher {
            change(hindered);
        }
    });
}

/// Watches until it is stopped.
async fn hold(
    engine: Engine,
    watcher: &watch::Sender<Watcher>,
    notices: &mpsc::Sender<(String, Notice)>,
    stop: &CancellationToken,
) -> Answer<()> {
    let (tell, mut heard) = mpsc::channel(ROOM);
    let until = stop.clone();
    let mut watching = async_runtime::spawn(async move { engine.watch(tell, until).await });
    let ended = loop {
        let one = tokio::select! {
            biased;
            Some(one) = heard.recv() => one,
            // Webhooks that are tried again still hold the way here; who watches next sends what they owe.
            ended = &mut watching => break ended,
        };
        match one {
            Watched::Holding => drop(watcher.send_replace(Watcher::Here { hindered: Vec::new() })),
            Watched::Waiting { holder, since } => drop(watcher.send_replace(Watcher::Elsewhere { holder, since })),
            Watched::Notice { id, notice } => {
                if notices.try_send((id, *notice)).is_err() {
                    tracing::warn!("the desktop is too slow to show what it is told");
                }
            }
            Watched::Trouble { message } => tracing::warn!(message, "watching"),
            Watched::Hindered { message } => {
                tracing::warn!(message, "watching");
                change(watcher, |hindered| hindered.push(message));
            }
            Watched::Freed { message } => change(watcher, |hindered| hindered.retain(|one| *one != message)),
            other => tracing::debug!(?other, "watching"),
        }
    };
    match ended {
        Ok(Ok(())) if stop.is_cancelled() => Ok(()),
        Ok(Ok(())) => Err(told(EngineError::ours("watching ended before its time"))),
        Ok(Err(error)) => Err(told(error)),
        Err(error) => Err(told(EngineError::ours("watching ended before its time").with_sources(&error))),
    }
}
