//! How environments fare: what `nonevent watch` measures, and what is read of it.

mod judge;
mod look;
mod measure;
mod tell;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::readings::Readings;
use super::{Engine, Watched, environment, place};
use crate::error::EngineError;
use crate::health::scheduler;
use crate::model::{DeadLetter, EnvironmentName, HealthReport, HealthState, Marker, ProjectName, RolloutRecord, RolloutState};
use crate::project::Project;
use crate::request::Change;
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
/// Time until timelines that cannot be opened are tried again.
const AGAIN: Duration = Duration::from_secs(30);

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
    pub(super) async fn watch_health(
        &self,
        projects: Readings,
        changes: watch::Receiver<Change>,
        tell: mpsc::Sender<Watched>,
        stop: CancellationToken,
    ) {
        let Some(store) = self.opened(&tell, &stop).await else { return };
        self.hand_over_owed(&store, &tell).await;
        let subjects: Subjects = Arc::new(Mutex::default());
        let (wanted, wants) = mpsc::channel(1);
        let (sender, seen) = mpsc::channel::<Seen>(256);
        let judge = Judge::new(self.clone(), store.clone(), subjects.clone(), tell.clone(), sender.downgrade());
        let ends = stop.child_token();
        let mut parts = JoinSet::new();
        parts.spawn(judge.run(seen));
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
        parts.spawn(scheduler::run(wants, probe, ends.clone()));
        parts.spawn(forget(self.home.data.clone(), ends.clone()));
        let looking = self.keep_looking(&projects, changes, &store, &subjects, &wanted, sender, &tell, &ends);
        tokio::select! {
            () = looking => {}
            Some(ended) = parts.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "watching health ended before its time");
                }
            }
        }
        ends.cancel();
        while parts.join_next().await.is_some() {}
    }

    /// Opens the timelines, as soon as that can be done: a disk that is full has room again. None when it was stopped before.
    async fn opened(&self, tell: &mpsc::Sender<Watched>, stop: &CancellationToken) -> Option<HealthStore> {
        let mut hindered = None;
        loop {
            match HealthStore::open(&self.home.data) {
                Ok(store) => {
                    if let Some(message) = hindered {
                        let _ = tell.send(Watched::Freed { message }).await;
                    }
                    return Some(store);
                }
                Err(error) if hindered.is_none() => {
                    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    let message = hindered.insert(format!("health is not watched: {error}{hint}")).clone();
                    let _ = tell.send(Watched::Hindered { message }).await;
                }
                Err(error) => tracing::debug!(%error, "health is not watched yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(AGAIN) => {}
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

/// What the clock says, but no later than the time that has passed since it was read first: nothing is forgotten because it was set ahead.
fn believed(now: Timestamp, since: Timestamp, passed: Duration) -> Timestamp {
    since.checked_add(passed).map_or(now, |passed| passed.min(now))
}

async fn forget(data: PathBuf, stop: CancellationToken) {
    let (since, began) = (Timestamp::now(), Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FORGET) => {}
        }
        let (data, now) = (data.clone(), believed(Timestamp::now(), since, began.elapsed()));
        // A connection of its own, so that what is measured meanwhile does not wait for it.
        let prune = move || HealthStore::open(&data)?.prune(now.as_millisecond(), Retention::default());
        if let Ok(Err(error)) = tokio::task::spawn_blocking(prune).await {
            tracing::warn!(%error, "what is old was not forgotten");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_older_because_the_clock_was_set_ahead() {
        let since: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let hour = Duration::from_hours(1);
        let by_the_clock = |now: &str| believed(now.parse().unwrap(), since, hour).to_string();
        assert_eq!(by_the_clock("2031-03-01T12:00:00Z"), "2026-03-01T13:00:00Z");
        assert_eq!(by_the_clock("2026-03-01T12:59:59Z"), "2026-03-01T12:59:59Z");
        assert_eq!(by_the_clock("2020-03-01T12:00:00Z"), "2020-03-01T12:00:00Z");
    }
}
