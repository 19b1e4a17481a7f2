//! How environments fare: what `nonevent watch` measures, and what is read of it.

mod judge;
mod look;
mod measure;
mod tell;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, Watched, environment, place};
use crate::error::EngineError;
use crate::health::scheduler;
use crate::model::{DeadLetter, EnvironmentName, HealthReport, HealthState, Marker, ProjectName, RolloutRecord, RolloutState};
use crate::project::Project;
use crate::store::health::Retention;
use crate::store::{HealthStore, format_time};
use crate::target::Place;
use judge::{Judge, Seen};
use look::{Subjects, Task};
pub(in crate::engine) use tell::give;

/// A probe of an environment, by its name; the one without a name takes the figures of the instances.
type Key = (Place, String);

/// A verdict that is older than this many milliseconds says nothing about now.
pub(super) const STALE: i64 = 10 * 60 * 1000;
/// Time between two rounds of forgetting.
const FORGET: Duration = Duration::from_mins(10);

impl Engine {
    /// Reads how an environment fared since a moment. Asks no engine.
    ///
    /// # Errors
    /// When the project or the timelines cannot be read.
    pub fn health(&self, folder: &Path, name: &EnvironmentName, since: Timestamp) -> Result<HealthReport, EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, name)?;
        let place = place(&project, name);
        let store = HealthStore::open(&self.home.data)?;
        let now = Timestamp::now();
        let (from, to) = (since.as_millisecond(), now.as_millisecond() + 1);
        let series = store.series(&place)?.into_iter().map(|series| {
            let points = store.timeline(&place, &series.name, from, to)?;
            Ok((series, points))
        });
        // That nothing is there is not measured again and again.
        let fresh = |(state, at): &(HealthState, i64)| *state == HealthState::Empty || to - at < STALE;
        let state = store.state(&place)?.filter(fresh).map_or(HealthState::Unknown, |(state, _)| state);
        let mut markers = store.markers(&place, from, to)?;
        let going =
            self.store.rollouts(&place.project, Some(&place.environment), 1)?.into_iter().find_map(|last| in_progress(&last));
        markers.extend(going.filter(|marker| marker.at >= from));
        Ok(HealthReport {
            series: series.collect::<Result<Vec<_>, EngineError>>()?,
            markers,
            gaps: store.gaps(&place, from, to)?,
            incidents: store.incidents(&place, &format_time(since), &format_time(now))?,
            project: place.project,
            environment: place.environment,
            from,
            to,
            state,
        })
    }

    /// Reads how an environment of a known project fared in the last time. Asks no engine.
    ///
    /// # Errors
    /// As [`Engine::health`].
    pub fn health_of(&self, project: &ProjectName, name: &EnvironmentName, last: Duration) -> Result<HealthReport, EngineError> {
        let since = Timestamp::now().checked_sub(last).unwrap_or(Timestamp::MIN);
        self.health(&self.folder_of(project)?, name, since)
    }

    /// Lists the notices that no webhook of a project took, the newest first.
    ///
    /// # Errors
    /// When the project or the timelines cannot be read.
    pub fn dead_letters(&self, folder: &Path, limit: u32) -> Result<Vec<DeadLetter>, EngineError> {
        let project = Project::open(folder)?;
        Ok(HealthStore::open(&self.home.data)?.dead_letters(&project.settings.app.name, limit)?)
    }

    /// Measures what serves everywhere until `stop` is cancelled.
    pub(super) async fn watch_health(&self, tell: mpsc::Sender<Watched>, stop: CancellationToken) {
        let store = match HealthStore::open(&self.home.data) {
            Ok(store) => store,
            Err(error) => {
                let message = format!("health is not watched: {error}");
                let _ = tell.send(Watched::Trouble { message }).await;
                return;
            }
        };
        let subjects: Subjects = Arc::new(Mutex::default());
        let (wanted, wants) = mpsc::channel(1);
        let (sender, seen) = mpsc::channel::<Seen>(256);
        let judge = Judge::new(self.clone(), store.clone(), subjects.clone(), tell.clone(), sender.downgrade());
        let judging = tokio::spawn(judge.run(seen));
        let probe = {
            let (subjects, store, sender) = (subjects.clone(), store.clone(), sender.clone());
            move |key: Key, _| {
                let (subjects, store, sender) = (subjects.clone(), store.clone(), sender.clone());
                async move {
                    let task = look::find(&subjects, &key);
                    match task {
                        Some(Task::Probe(prepared)) => {
                            let _ = sender.send(Seen::Sample(key, prepared.measure().await)).await;
                        }
                        Some(Task::Vitals(vitals)) => {
                            let free = vitals.take(&store).await;
                            if let Some(sample) = free {
                                let _ = sender.send(Seen::Sample((key.0, look::DISK.to_owned()), sample)).await;
                            }
                        }
                        None => {}
                    }
                }
            }
        };
        let scheduling = tokio::spawn(scheduler::run(wants, probe, stop.clone()));
        let forgetting = tokio::spawn(forget(store.clone(), stop.clone()));
        self.keep_looking(&store, &subjects, &wanted, sender, &tell, &stop).await;
        for task in [scheduling, judging, forgetting] {
            if let Err(error) = task.await {
                tracing::error!(%error, "watching health ended before its time");
            }
        }
    }
}

/// What stands on the time axis for a rollout while it goes on: what serves has none of it yet.
fn in_progress(rollout: &RolloutRecord) -> Option<Marker> {
    let at = rollout.started_at.parse::<Timestamp>().ok()?.as_millisecond();
    let text = format!("{} of {} goes on", rollout.reason.word(), rollout.to);
    (rollout.state == RolloutState::Running).then(|| Marker { at, release: Some(rollout.to.clone()), text })
}

async fn forget(store: HealthStore, stop: CancellationToken) {
    loop {
        let keeper = store.clone();
        let pruned = tokio::task::spawn_blocking(move || keeper.prune(Timestamp::now().as_millisecond(), Retention::default()));
        if let Ok(Err(error)) = pruned.await {
            tracing::warn!(%error, "what is old was not forgotten");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FORGET) => {}
        }
    }
}
