//! Follows what every environment prints while `nonevent watch` runs, and tells of exceptions and of too many failures.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::collect::Collector;
use super::{STREAMS, place};
use crate::docker::Docker;
use crate::engine::health::give;
use crate::engine::readings::{Reading, Readings};
use crate::engine::{Engine, Watched};
use crate::error::EngineError;
use crate::health::notice;
use crate::mask::Mask;
use crate::model::InstanceId as Id;
use crate::model::{Instance, LogSettings, NoticeWeight, NotifyLevel, NotifySettings};
use crate::request::Change;
use crate::store::logs::Source;
use crate::store::{HealthStore, LogStore, now};
use crate::target::{Follow, Place, Target};

/// Time between two looks for instances; a change in this home is seen sooner.
const LOOK: Duration = Duration::from_secs(5);
/// Time after a change until what it brought can be seen.
const SETTLE: Duration = Duration::from_millis(500);
/// Times between two readings of a stream that has nothing new: its instance ended, and may be started again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// Time after which an exception is no news.
const STALE: Duration = Duration::from_mins(15);
/// Time after which the same trouble is told again.
const AGAIN: Duration = Duration::from_mins(10);
/// Exceptions of one environment that are told one by one in [`STALE`].
const NEWS: usize = 5;

/// An environment whose output is followed.
struct Followed {
    store: LogStore,
    level: NotifyLevel,
    notify: NotifySettings,
    settings: LogSettings,
    url: Option<String>,
    streams: BTreeMap<Id, CancellationToken>,
    mask: Mask,
    /// Whether too many failures were told of and have not become fewer.
    alarmed: bool,
    /// When exceptions were told of.
    told: Vec<tokio::time::Instant>,
    /// What could not be done, and when that was told last.
    trouble: Option<(String, tokio::time::Instant)>,
}

/// What a follower has to say.
enum Heard {
    /// An exception of which people are not told yet is among what was kept.
    Raised(Place),
    Trouble(Place, String),
}

impl Engine {
    /// Keeps what every environment prints until `stop` is cancelled.
    pub(in crate::engine) async fn watch_logs(
        &self,
        projects: Readings,
        mut changes: watch::Receiver<Change>,
        tell: mpsc::Sender<Watched>,
        stop: CancellationToken,
    ) {
        let (sender, mut heard) = mpsc::channel(64);
        let mut round = Round {
            engine: self.clone(),
            projects,
            health: None,
            tell,
            places: BTreeMap::new(),
            followers: JoinSet::new(),
            sender,
        };
        let mut look_at = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(heard) = heard.recv() => round.hear(heard).await,
                () = tokio::time::sleep_until(look_at) => {
                    if let Err(error) = round.look().await {
                        tracing::debug!(%error, "there is no engine whose output could be followed");
                    }
                    look_at = tokio::time::Instant::now() + LOOK;
                }
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    changes.borrow_and_update();
                    look_at = look_at.min(tokio::time::Instant::now() + SETTLE);
                }
                Some(_) = round.followers.join_next(), if !round.followers.is_empty() => {}
            }
        }
        for followed in round.places.values() {
            followed.streams.values().for_each(CancellationToken::cancel);
        }
        // Whatever is not kept yet stays with the engine.
        round.followers.shutdown().await;
    }
}

struct Round {
    engine: Engine,
    projects: Readings,
    /// Where what is to be told is kept; none while it cannot be opened, which who watches health tells.
    health: Option<HealthStore>,
    tell: mpsc::Sender<Watched>,
    places: BTreeMap<Place, Followed>,
    followers: JoinSet<()>,
    sender: mpsc::Sender<Heard>,
}

impl Round {
    /// Begins to follow instances that are new, and ends with those that are gone.
    async fn look(&mut self) -> Result<(), EngineError> {
        if self.health.is_none() {
            self.health = HealthStore::open(&self.engine.home.data).ok();
        }
        let docker = Docker::connect().await?;
        let readings = self.projects.read().await?;
        self.part_with_all_but(&readings);
        for Reading { project, .. } in readings {
            let Some(project) = project else { continue };
            for (name, environment) in &project.settings.environments {
                let Ok(target) = self.engine.target(&docker, &project, environment) else { continue };
                let place = place(&project, name);
                let settings = (environment.notify, project.settings.notify.clone(), project.settings.logs.clone());
                if let Err(error) = self.look_at(&target, &place, settings).await {
                    self.hear(Heard::Trouble(place, error.to_string())).await;
                }
            }
        }
        for place in self.places.keys().cloned().collect::<Vec<_>>() {
            self.tell_new(&place).await;
        }
        self.check_pace().await;
        Ok(())
    }

    /// Ends following what belongs to a project that was forgotten.
    fn part_with_all_but(&mut self, readings: &[Reading]) {
        self.places.retain(|place, followed| {
            let known = readings.iter().any(|reading| reading.name == place.project);
            if !known {
                followed.streams.values().for_each(CancellationToken::cancel);
            }
            known
        });
    }

    async fn look_at(
        &mut self,
        target: &Arc<dyn Target>,
        place: &Place,
        (level, notify, settings): (NotifyLevel, NotifySettings, LogSettings),
    ) -> Result<(), EngineError> {
        let instances = target.instances(place).await?;
        let followed = match self.places.entry(place.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if instances.is_empty() => return Ok(()),
            Entry::Vacant(free) => free.insert(Followed {
                store: LogStore::open(&self.engine.home.data, &place.project)?,
                level,
                notify: notify.clone(),
                settings: settings.clone(),
                url: None,
                streams: BTreeMap::new(),
                mask: Mask::default(),
                alarmed: false,
                told: Vec::new(),
                trouble: None,
            }),
        };
        (followed.level, followed.notify, followed.settings) = (level, notify, settings);
        followed.streams.retain(|id, stop| {
            let lives = instances.iter().any(|instance| instance.id == *id);
            if !lives {
                stop.cancel();
            }
            lives
        });
        let fresh: Vec<&Instance> = instances.iter().filter(|instance| !followed.streams.contains_key(&instance.id)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        // An instance is never changed, nor are its values.
        followed.mask = Mask::new(&target.secrets_of(place).await?);
        followed.url = target.observe(place).await.ok().and_then(|observed| observed.url);
        for instance in fresh {
            let stop = CancellationToken::new();
            followed.streams.insert(instance.id.clone(), stop.clone());
            for stream in STREAMS {
                let source = Source { environment: place.environment.clone(), instance: instance.clone(), stream };
                let follower = Follower {
                    target: Arc::clone(target),
                    store: followed.store.clone(),
                    place: place.clone(),
                    source,
                    mask: followed.mask.clone(),
                    budget: followed.settings.keep_bytes,
                    sender: self.sender.clone(),
                };
                let stop = stop.clone();
                self.followers.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = follower.run() => {}
                    }
                });
            }
        }
        Ok(())
    }

    async fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Raised(place) => self.tell_new(&place).await,
            Heard::Trouble(place, trouble) => {
                let now = tokio::time::Instant::now();
                if let Some(followed) = self.places.get_mut(&place) {
                    let told = followed.trouble.as_ref().is_some_and(|(known, at)| *known == trouble && now - *at < AGAIN);
                    if told {
                        return;
                    }
                    followed.trouble = Some((trouble.clone(), now));
                }
                let message = format!("what {place} prints is not kept: {trouble}");
                let _ = self.tell.send(Watched::Trouble { message }).await;
            }
        }
    }

    /// Tells of the exceptions that no release had told before, whoever kept them.
    async fn tell_new(&mut self, place: &Place) {
        let (Some(followed), Some(health)) = (self.places.get_mut(place), &self.health) else { return };
        let Ok(news) = followed.store.news(&place.environment) else { return };
        followed.told.retain(|at| at.elapsed() < STALE);
        let stale = nanoseconds() - i64::try_from(STALE.as_nanos()).unwrap_or(i64::MAX);
        for news in news {
            if followed.settings.new_exceptions && news.at >= stale && followed.told.len() < NEWS {
                followed.told.push(tokio::time::Instant::now());
                let notice = notice::of_exception(place, &news.exception, &news.release, followed.url.clone(), now());
                give(&notice, followed.level, &followed.notify, health, &self.tell).await;
            }
            if let Err(error) = followed.store.note_told(&place.environment, &news.exception.fingerprint) {
                tracing::warn!(%error, "an exception will be told once more");
            }
        }
    }

    /// Tells of too many failures, once, and once of their end.
    async fn check_pace(&mut self) {
        const MINUTE: i64 = 60_000_000_000;
        let Some(health) = &self.health else { return };
        for (place, followed) in &mut self.places {
            let Some(pace) = followed.settings.errors else { continue };
            let within = i64::try_from(pace.within.as_nanos()).unwrap_or(i64::MAX);
            let since = nanoseconds().saturating_sub(within);
            let Ok(count) = followed.store.errors_since(&place.environment, since - since.rem_euclid(MINUTE)) else { continue };
            let many = count >= u64::from(pace.count);
            if many != followed.alarmed {
                let weight = if many { NoticeWeight::Warning } else { NoticeWeight::Good };
                let notice = notice::of_errors(place, (count, pace), followed.url.clone(), now(), weight);
                // Of the end of what nobody was told of nobody is told.
                if give(&notice, followed.level, &followed.notify, health, &self.tell).await {
                    followed.alarmed = many;
                }
            }
        }
    }
}

fn nanoseconds() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// Follows one stream of one instance for as long as there is one.
struct Follower {
    target: Arc<dyn Target>,
    store: LogStore,
    place: Place,
    source: Source,
    mask: Mask,
    budget: u64,
    sender: mpsc::Sender<Heard>,
}

impl Follower {
    async fn run(self) {
        let (shortest, longest) = PAUSES;
        let mut pause = shortest;
        let collector = Collector {
            target: self.target.as_ref(),
            store: &self.store,
            source: self.source.clone(),
            mask: self.mask.clone(),
            budget: self.budget,
        };
        loop {
            let (place, sender) = (self.place.clone(), self.sender.clone());
            let mut raised = || {
                // When there is no room, it is found at the next look.
                let _ = sender.try_send(Heard::Raised(place.clone()));
            };
            let trouble = match collector.read(Follow::Follow, &mut raised).await {
                Ok(kept) => {
                    pause = if kept > 0 { shortest } else { (pause * 2).min(longest) };
                    None
                }
                Err(error) => {
                    pause = (pause * 2).min(longest);
                    Some(error.to_string())
                }
            };
            if let Some(trouble) = trouble {
                let _ = self.sender.send(Heard::Trouble(self.place.clone(), trouble)).await;
            }
            tokio::time::sleep(pause).await;
        }
    }
}
