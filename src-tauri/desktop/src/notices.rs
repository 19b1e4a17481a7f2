//! What this process shows on the desktop while it watches, and what a press on it does.

use std::time::Duration;

use nonevent_engine::Engine;
use nonevent_engine::model::Notice;
use nonevent_engine::pages::{RunRequest, Said};
use nonevent_notifier::{Action, Address, NotShown, Notifier, Screen, address_of, may_go_back};
use tauri::{AppHandle, Manager, async_runtime};
use tokio::sync::mpsc;

use crate::desk::Desk;
use crate::{links, window};

/// Time that the desktop may take to show something.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows what comes with its id, one after the other.
pub async fn show_all(app: AppHandle, mut notices: mpsc::Receiver<(String, Notice)>) {
    let notifier = Notifier::default();
    while let Some((id, notice)) = notices.recv().await {
        let Ok(engine) = app.state::<Desk>().engine().await else { continue };
        match tokio::time::timeout(PATIENCE, show(&app, &engine, &notifier, notice)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a notice was not shown"),
            Err(_) => tracing::warn!("a notice was not shown in time"),
        }
        engine.shown(&id);
    }
}

async fn show(app: &AppHandle, engine: &Engine, notifier: &Notifier, notice: Notice) -> Result<(), NotShown> {
    let mut actions = vec![Action::Open];
    if may_go_back(engine, &notice) {
        actions.push(Action::RollBack);
    }
    let (app, address, about) = (app.clone(), address_of(engine, &notice), notice.clone());
    let chosen = move |action| match action {
        Action::Open => links::go(&app, &address),
        Action::RollBack => roll_back(app, about),
    };
    notifier.show(&notice, &actions, chosen).await
}

/// Goes back as a run of this window, and shows it: it may ask, and it says why it cannot.
fn roll_back(app: AppHandle, notice: Notice) {
    window::open(&app);
    async_runtime::spawn(async move {
        let request = RunRequest::Rollback { environment: notice.environment, release: None };
        match app.state::<Desk>().begin_run(notice.project.clone(), request, Said::default()).await {
            Ok(run) => links::go(&app, &Address { project: notice.project, screen: Screen::Run(run) }),
            Err(problem) => links::mishap(&app, problem),
        }
    });
}
