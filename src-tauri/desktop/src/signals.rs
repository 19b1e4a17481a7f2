//! The system's word that this process is to end: at logout, at shutdown, from a terminal.

use std::io;

use tauri::{AppHandle, Manager, async_runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::desk::Desk;
use crate::watching::{PATIENCE, Watching};
use crate::window;

/// At the first one ends as a person who quits, but stops what goes on, cleanly and in the time that a system that shuts down gives; at the
/// second one at once.
pub fn heed(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        match Words::listen() {
            Ok(words) => end_when_told(app, words).await,
            Err(error) => tracing::warn!(%error, "the system’s word to end is not heard"),
        }
    });
}

async fn end_when_told(app: AppHandle, mut words: Words) {
    words.next().await;
    tracing::info!("the system ends this process: what goes on is stopped");
    let (desk, watching) = (app.state::<Desk>(), app.state::<Watching>());
    let jobs = desk.jobs();
    desk.runs().cancel();
    window::leave(&app);
    // Beside the runs, not after them: there is no more time than this.
    let patience = async { tokio::join!(watching.end(), jobs.end(PATIENCE), tokio::time::sleep(PATIENCE)) };
    tokio::select! {
        _ = patience => app.exit(0),
        () = words.next() => std::process::exit(1),
    }
}

/// SIGINT, SIGTERM and SIGHUP, taken over from the system.
struct Words([Signal; 3]);

impl Words {
    fn listen() -> io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
