//! Telling people: who is told of what, webhooks, and what becomes of notices that nobody takes.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::look::{Subjects, subject};
use crate::engine::jobs::overlapped;
use crate::engine::watch::hold_now;
use crate::engine::{Engine, Watched, environment};
use crate::error::EngineError;
use crate::event::EventBody;
use crate::health::notice;
use crate::health::webhook::{Address, WebhookError, patience, post};
use crate::mask::Secret;
use crate::model::{
    EnvironmentName, JobRun, Marker, Notice, NoticeWeight, NotifyLevel, NotifySettings, RolloutRecord, RolloutState,
    WebhookSettings,
};
use crate::pipeline::Context;
use crate::project::Project;
use crate::store::health::{NEWS, Owed};
use crate::store::{HealthStore, now};
use crate::target::{Place, Record};

/// Runs of a job among which the scheduled ones are looked for.
const KNOWN: u32 = 50;
/// Time that a run waits for addresses which take what it tells.
const SOON: Duration = Duration::from_secs(10);

/// A rollout that ended.
struct Ended {
    /// The event that says so.
    seq: i64,
    place: Place,
    rollout: RolloutRecord,
}

/// Who is told of an environment, and how.
struct Audience {
    level: NotifyLevel,
    notify: NotifySettings,
    url: Option<String>,
}

impl Engine {
    /// A notice was shown on the desktop, or cannot be.
    pub fn shown(&self, id: &str) {
        if let Err(error) = HealthStore::open(&self.home.data).and_then(|store| store.settle(id)) {
            tracing::warn!(%error, "a notice will be told once more");
        }
    }

    /// Tells of rollouts that ended since the last time: also of those that ended while nobody watched, unless a day went by.
    pub(super) async fn tell_rollouts(
        &self,
        seq: &mut i64,
        subjects: &Subjects,
        store: &HealthStore,
        tell: &mpsc::Sender<Watched>,
    ) {
        let before = *seq;
        for ended in self.ended_since(seq) {
            let audience = match subject(subjects, &ended.place) {
                Some(subject) => {
                    if let Some(marker) = marker(&ended.rollout, &subject.record)
                        && let Err(error) = store.mark(&ended.place, &marker)
                    {
                        tracing::warn!(place = %ended.place, %error, "how a rollout ended is not marked");
                    }
                    Some(Audience { level: subject.level, notify: subject.notify, url: subject.url })
                }
                // Where nothing serves the very first rollout failed, or what succeeded was taken away since.
                None if ended.rollout.state == RolloutState::Succeeded => None,
                None => self.audience(&ended.place),
            };
            if let Some(audience) = audience {
                tell_of(&ended, audience, store, tell).await;
            }
        }
        if *seq != before
            && let Err(error) = store.owe_up_to(&[], *seq)
        {
            tracing::debug!(%error, "what was told of is not kept");
        }
    }

    /// Returns the event of the journal up to which people were told how rollouts ended; `first` where nobody ever was. A journal that was
    /// lost begins anew.
    pub(super) fn told_up_to(&self, store: &HealthStore, first: i64) -> i64 {
        let latest = self.store.latest_seq().unwrap_or_default();
        store.told_up_to().ok().flatten().map_or(first, |seq| seq.min(latest))
    }

    /// Tells webhooks how rollouts ended, where nobody watches who would do it; whoever ships reads it on his own desktop. `since` is the
    /// event before the run, `url` where its app answers. What an address does not take soon is left to whoever watches next.
    pub(in crate::engine) async fn tell_unwatched(&self, context: &Context, since: i64, url: Option<String>) {
        let Some(_held) = hold_now(&self.home.data) else { return };
        let Ok(store) = HealthStore::open(&self.home.data) else { return };
        let mut seq = self.told_up_to(&store, since);
        let (tell, mut told) = mpsc::channel(16);
        for ended in self.ended_since(&mut seq) {
            let Some(mut audience) = self.audience(&ended.place) else { continue };
            audience.notify.desktop = false;
            audience.url = url.clone().filter(|_| ended.rollout.run == *context.run());
            tell_of(&ended, audience, &store, &tell).await;
        }
        if let Err(error) = store.owe_up_to(&[], seq) {
            tracing::debug!(%error, "what was told of is not kept");
        }
        drop(tell);
        let warn = async |message: String, hint: &str| {
            if let Err(error) = context.emit(EventBody::WarningRaised { message, hint: Some(hint.to_owned()) }).await {
                tracing::debug!(%error, "that a webhook took nothing is not told");
            }
        };
        let heard = async {
            while let Some(one) = told.recv().await {
                if let Watched::Trouble { message } = one {
                    warn(message, "`nonevent notify test` tries every address").await;
                }
            }
        };
        if tokio::time::timeout(SOON, heard).await.is_err() {
            let message = format!("a webhook did not take within {} s how the rollout ended", SOON.as_secs());
            warn(message, "whoever watches next tells it, for a day; `nonevent notify test` tries every address").await;
        }
    }

    /// Lists the rollouts that ended after an event, the first one first, as long as that is news; `seq` becomes the last event.
    fn ended_since(&self, seq: &mut i64) -> Vec<Ended> {
        let found = self.store.latest_seq().and_then(|latest| Ok((latest, self.store.rollouts_ended(*seq, latest)?)));
        let Ok((latest, rollouts)) = found else { return Vec::new() };
        *seq = latest;
        let ended = rollouts.into_iter().map(|(seq, rollout)| {
            let place = Place { project: rollout.project.clone(), environment: rollout.environment.clone() };
            Ended { seq, place, rollout }
        });
        ended.filter(|ended| ended.rollout.finished_at.as_deref().is_some_and(is_news)).collect()
    }

    /// Hands over what a process that died, or an address that did not answer, left untold. What is of incidents waits for their course.
    pub(super) async fn hand_over_owed(&self, store: &HealthStore, tell: &mpsc::Sender<Watched>) {
        for owed in store.owed().unwrap_or_default() {
            let place = Place { project: owed.notice.project.clone(), environment: owed.notice.environment.clone() };
            if notice::is_of_incident(&owed.notice) {
                continue;
            }
            if let Some(Audience { notify, .. }) = self.audience(&place) {
                hand_over(vec![owed], &notify, store, tell).await;
            }
        }
    }

    /// Tells of a scheduled job that failed after it had not, and of its next run that did not fail.
    pub(in crate::engine) async fn tell_of_job(&self, place: &Place, job: &str, tell: &mpsc::Sender<Watched>) {
        let (Some(audience), Ok(store)) = (self.audience(place), HealthStore::open(&self.home.data)) else { return };
        let Ok(runs) = self.store.job_runs(place, Some(job), KNOWN) else { return };
        let mut scheduled = runs.iter().filter(|run| run.due_at.is_some() && run.finished_at.is_some() && !overlapped(run));
        let Some(run) = scheduled.next() else { return };
        if scheduled.next().is_none_or(JobRun::succeeded) != run.succeeded() {
            give(&notice::of_job(run, now()), audience.level, &audience.notify, &store, tell).await;
        }
    }

    /// Reads who is told of an environment in its project; none when there is no such project or environment any more.
    fn audience(&self, place: &Place) -> Option<Audience> {
        let project = Project::open(&self.folder_of(&place.project).ok()?).ok()?;
        let level = environment(&project, &place.environment).ok()?.1.notify;
        Some(Audience { level, notify: project.settings.notify, url: None })
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

/// Tells how a rollout ended, once: a process that dies before leaves it to the next.
async fn tell_of(ended: &Ended, audience: Audience, store: &HealthStore, tell: &mpsc::Sender<Watched>) {
    let Audience { level, notify, url } = audience;
    let Some(notice) = notice::of_rollout(&ended.place.project, &ended.rollout, url, now()) else { return };
    let owed = if is_held(&notice, &notify) { Vec::new() } else { owed(&notice, level, &notify) };
    if let Err(error) = store.owe_up_to(&owed, ended.seq) {
        tracing::debug!(%error, "a notice is told without having been kept");
    }
    hand_over(owed, &notify, store, tell).await;
}

fn is_news(at: &str) -> bool {
    at.parse::<Timestamp>().is_ok_and(|at| Timestamp::now().duration_since(at).unsigned_abs() < NEWS)
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
