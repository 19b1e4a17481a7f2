//! How environments fare, and how people are told of it.

use std::time::Duration;

use nonevent_engine::EngineError;
use nonevent_engine::model::{EnvironmentName, HealthReport, Problem, ProjectName};
use nonevent_notifier::{NotShown, Notifier};
use serde::Serialize;
use specta::Type;
use tauri::State;

use crate::desk::{Answer, Desk, told};
use crate::work::Call;

/// A way by which people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct Tried {
    /// `desktop`, or the webhook's name.
    pub way: String,
    /// Why it did not work, when it did not.
    pub problem: Option<Problem>,
}

/// Reads how an environment fared in the last seconds, at most 2,000 points of each series. Asks no engine.
#[tauri::command]
#[specta::specta]
pub async fn health(
    desk: State<'_, Desk>,
    project: ProjectName,
    environment: EnvironmentName,
    seconds: u32,
) -> Answer<HealthReport> {
    desk.read(move |engine| engine.health_of(&project, &environment, Duration::from_secs(seconds.into()))).await
}

/// Tells something that says nothing, on the desktop and to every webhook of a project; answers which of them took it.
#[tauri::command]
#[specta::specta]
pub async fn notify_test(desk: State<'_, Desk>, project: ProjectName, environment: EnvironmentName) -> Answer<Vec<Tried>> {
    let call = Call::new("notify_test", (&project, &environment));
    let tried = desk.ask(|engine| async move {
        let (notice, settings, webhooks) = engine.notify_test(&engine.folder_of(&project)?, &environment).await?;
        let mut tried = Vec::new();
        if settings.desktop {
            let shown = Notifier::default().show(&notice, &[], |_| {}).await;
            tried.push(Tried { way: "desktop".to_owned(), problem: shown.err().map(|error| not_shown(&error)) });
        }
        for (name, taken) in webhooks {
            let problem = taken.err().map(|error| {
                let failed = EngineError::user("webhook", error.to_string());
                told(match error.hint() {
                    Some(hint) => failed.with_hint(hint),
                    None => failed,
                })
            });
            tried.push(Tried { way: name, problem });
        }
        Ok(tried)
    });
    desk.once(call, tried).await
}

fn not_shown(error: &NotShown) -> Problem {
    told(EngineError::user("not_shown", error.to_string()).with_hint(error.hint()))
}
