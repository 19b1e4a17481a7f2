//! Telling people: who is told of what, webhooks, and what becomes of notices that nobody takes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::look::{Subjects, subject};
use crate::engine::{Engine, Watched, environment};
use crate::error::EngineError;
use crate::event::EventBody;
use crate::health::notice;
use crate::health::webhook::{Address, WebhookError, patience, post};
use crate::mask::Secret;
use crate::model::{
    EnvironmentName, Marker, Notice, NoticeWeight, NotifyLevel, NotifySettings, RolloutRecord, RolloutState, WebhookSettings,
};
use crate::project::Project;
use crate::store::health::Owed;
use crate::store::{HealthStore, now};
use crate::target::{Place, Record};

/// Events that are read at once.
const AT_ONCE: u32 = 500;

impl Engine {
    /// A notice was shown on the desktop, or cannot be.
    pub fn shown(&self, id: &str) {
        if let Err(error) = HealthStore::open(&self.home.data).and_then(|store| store.settle(id)) {
            tracing::warn!(%error, "a notice will be told once more");
        }
    }

    /// Tells of rollouts that ended since the last time.
    pub(super) async fn tell_rollouts(
        &self,
        seq: &mut i64,
        subjects: &Subjects,
        store: &HealthStore,
        tell: &mpsc::Sender<Watched>,
    ) {
        let Ok(events) = self.store.events_after(*seq, None, AT_ONCE) else { return };
        for event in events {
            *seq = event.seq;
            let EventBody::RolloutFinished { rollout, .. } = &event.body else { continue };
            let Ok(rollouts) = self.store.rollouts(&event.project, None, 50) else { continue };
            let Some(record) = rollouts.iter().find(|record| record.id == *rollout) else { continue };
            let place = Place { project: event.project.clone(), environment: record.environment.clone() };
            // Where nothing serves, because the very first rollout failed, nobody watches either: whoever ships sees it.
            let Some(subject) = subject(subjects, &place) else { continue };
            if let Some(marker) = marker(record, &subject.record)
                && let Err(error) = store.mark(&place, &marker)
            {
                tracing::warn!(%place, %error, "how a rollout ended is not marked");
            }
            if let Some(notice) = notice::of_rollout(&event.project, record, subject.url.clone(), now()) {
                give(&notice, subject.level, &subject.notify, store, tell).await;
            }
        }
    }

    /// Sends a notice that says nothing to every webhook of a project at once, without trying again; returns how each took it, and the
    /// notice for the desktop.
    ///
    /// # Errors
    /// When the project cannot be read, or has no such environment.
    pub async fn notify_test(
        &self,
        folder: &std::path::Path,
        name: &EnvironmentName,
    ) -> Result<(Notice, NotifySettings, Vec<(String, Result<(), WebhookError>)>), EngineError> {
        let project = Project::open(folder)?;
        let (name, _) = environment(&project, name)?;
        let app = project.settings.app.name.clone();
        let notice = Notice {
            about: "test".to_owned(),
            release: None,
            weight: NoticeWeight::Good,
            ends: None,
            title: format!("{app} ({name}): a test"),
            text: "this is how Nonevent tells of incidents and rollouts".to_owned(),
            url: None,
            at: now(),
            project: app,
            environment: name.clone(),
        };
        let settings = project.settings.notify.clone();
        let mut taken = Vec::new();
        for (webhook, address) in &settings.webhooks {
            taken.push((webhook.clone(), send_once(address, &notice).await));
        }
        Ok((notice, settings, taken))
    }
}

/// Tells of a notice whoever is to be told of it; in quiet hours nobody is. Returns whether anybody is.
pub(in crate::engine) async fn give(
    notice: &Notice,
    level: NotifyLevel,
    settings: &NotifySettings,
    store: &HealthStore,
    tell: &mpsc::Sender<Watched>,
) -> bool {
    let owed = if is_held(notice, settings) { Vec::new() } else { owed(notice, level, settings) };
    if owed.is_empty() {
        return false;
    }
    if let Err(error) = store.owe(&owed) {
        tracing::debug!(%error, "a notice is told without having been kept");
    }
    hand_over(owed, settings, store, tell).await;
    true
}

/// Tells whether a notice waits for the end of quiet hours.
pub(super) fn is_held(notice: &Notice, settings: &NotifySettings) -> bool {
    notice::is_held(notice, settings, Timestamp::now(), &TimeZone::system())
}

/// What is to go by each way that a project has: nothing when nobody is ever told.
pub(super) fn owed(notice: &Notice, level: NotifyLevel, settings: &NotifySettings) -> Vec<Owed> {
    if !notice::is_let_through(notice, level) {
        return Vec::new();
    }
    let ways = settings.webhooks.keys().cloned().map(Some).chain(settings.desktop.then_some(None));
    let owed = |webhook| Owed { id: uuid::Uuid::now_v7().simple().to_string(), webhook, notice: notice.clone() };
    ways.map(owed).collect()
}

/// Hands notices to those that take them. What a process that ends has not handed over is still owed.
pub(super) async fn hand_over(owed: Vec<Owed>, settings: &NotifySettings, store: &HealthStore, tell: &mpsc::Sender<Watched>) {
    for Owed { id, webhook, notice } in owed {
        let Some(name) = webhook else {
            let _ = tell.send(Watched::Notice { id, notice: Box::new(notice) }).await;
            continue;
        };
        let (webhook, store, tell) = (settings.webhooks.get(&name).cloned(), store.clone(), tell.clone());
        // An address that is slow keeps nobody else waiting.
        tokio::spawn(async move {
            if let Some(webhook) = webhook {
                let sent = tokio::select! {
                    () = tell.closed() => return,
                    sent = send(&webhook, &notice) => sent,
                };
                if let Err(error) = sent {
                    let _ = tell.send(Watched::Trouble { message: format!("webhook {name}: {error}") }).await;
                    if let Err(error) = store.bury(&notice.project, &name, &notice, &error.to_string()) {
                        tracing::warn!(%error, "a notice that nobody took was not kept");
                    }
                }
            }
            if let Err(error) = store.settle(&id) {
                tracing::warn!(%error, "a notice will be told once more");
            }
        });
    }
}

/// What stands on the time axis for a rollout's end, where its beginning does not: traffic went back to instances that were there.
fn marker(rollout: &RolloutRecord, serving: &Record) -> Option<Marker> {
    let (what, release) = (rollout.reason.word(), &rollout.to);
    let (release, text) = match rollout.state {
        RolloutState::Failed => (rollout.from.clone()?, format!("{what} of {release} failed")),
        RolloutState::WentBack => (rollout.from.clone()?, format!("{what} of {release} went back")),
        RolloutState::Succeeded if serving.staged_at < rollout.started_at => (release.clone(), format!("{what} of {release}")),
        _ => return None,
    };
    let at = rollout.finished_at.as_ref()?.parse::<Timestamp>().ok()?.as_millisecond();
    Some(Marker { at, release: Some(release), text })
}

async fn send(webhook: &WebhookSettings, notice: &Notice) -> Result<(), WebhookError> {
    post(&client()?, &address(webhook)?, notice, patience()).await
}

async fn send_once(webhook: &WebhookSettings, notice: &Notice) -> Result<(), WebhookError> {
    post(&client()?, &address(webhook)?, notice, patience().with_max_times(0)).await
}

fn client() -> Result<reqwest::Client, WebhookError> {
    crate::image::http::install_provider();
    let client = reqwest::Client::builder().user_agent(concat!("nonevent/", env!("CARGO_PKG_VERSION"))).build();
    client.map_err(|error| WebhookError::Unreachable { reason: crate::image::http::reason(&error) })
}

fn address(webhook: &WebhookSettings) -> Result<Address, WebhookError> {
    let variable = |name: &str| match std::env::var(name) {
        Ok(value) => Ok(Secret::new(value)),
        Err(_) => Err(WebhookError::Unset { name: name.to_owned() }),
    };
    let url = match webhook.url.strip_prefix("env:") {
        Some(name) => variable(name)?,
        None => Secret::new(webhook.url.clone()),
    };
    Ok(Address { kind: webhook.kind, url, key: webhook.secret.as_deref().map(variable).transpose()? })
}
