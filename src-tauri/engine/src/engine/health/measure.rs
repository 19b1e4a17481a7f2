//! Measuring one environment: its probes, and the figures of its instances.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::health::Sample;
use crate::health::probes::{Found, HttpProber, has_network, has_way, slept, tcp, timed};
use crate::model::{HealthCheck, InstanceId, InstanceState, ProbeOutcome, ProcessName, SampleOutcome, Series, Unit};
use crate::store::HealthStore;
use crate::store::health::Measured;
use crate::target::{Place, Record, Since, Target, TargetError, Traffic};

/// Less free space on the engine's disk is trouble.
const LEAST_DISK: u64 = 1_000_000_000;
/// Longest time that a target may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A probe with all that it needs.
pub(super) struct Prepared {
    pub target: Arc<dyn Target>,
    pub place: Place,
    pub means: Means,
    pub timeout: Duration,
    pub neighbours: Vec<String>,
}

/// How a probe is made.
pub(super) enum Means {
    Http(Box<HttpProber>),
    Tcp(String),
    Command { check: HealthCheck, process: Option<ProcessName>, domain: String },
    Container { allowed: u32, seen: Mutex<BTreeMap<InstanceId, u32>> },
}

impl Prepared {
    /// Makes one measurement. What fails because nothing can be seen from here is unseen.
    pub async fn measure(&self) -> Sample {
        let mut sample = timed(self.find()).await;
        if sample.outcome == SampleOutcome::Failed
            && let Some(why) = self.blind(sample.at).await
        {
            (sample.outcome, sample.finding) = (SampleOutcome::Unseen, why);
        }
        sample
    }

    async fn find(&self) -> Found {
        match &self.means {
            Means::Http(prober) => prober.measure().await,
            Means::Tcp(address) => tcp(address, self.timeout).await,
            Means::Command { check, process, domain } => patiently(self.command(check, process.as_ref(), domain)).await,
            Means::Container { allowed, seen } => patiently(self.containers(*allowed, seen)).await,
        }
    }

    /// Says why this machine cannot see what it asks for, when it cannot; `since` is when it began to ask.
    async fn blind(&self, since: i64) -> Option<String> {
        let patience = match self.means {
            Means::Http(_) | Means::Tcp(_) => self.timeout,
            Means::Command { .. } | Means::Container { .. } => PATIENCE,
        };
        if slept(since, Timestamp::now().as_millisecond(), patience) {
            return Some("this machine slept meanwhile".to_owned());
        }
        let way = match &self.means {
            Means::Http(prober) => Some(prober.address()),
            Means::Tcp(address) => Some(address.clone()),
            Means::Command { .. } | Means::Container { .. } => None,
        };
        let has_way = match way {
            Some(address) if self.neighbours.is_empty() => has_way(&address).await,
            _ => has_network(&self.neighbours).await,
        };
        if !has_way {
            return Some("this machine has no network".to_owned());
        }
        // The engine is the nearest neighbour: without it nobody can tell whether the app or the way to it is broken.
        match tokio::time::timeout(PATIENCE, self.target.observe(&self.place)).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(format!("the engine does not answer: {error}")),
            Err(_) => Some("the engine does not answer".to_owned()),
        }
    }

    async fn command(&self, check: &HealthCheck, process: Option<&ProcessName>, domain: &str) -> Result<Found, TargetError> {
        let observed = self.target.observe(&self.place).await?;
        let Some(serving) = &observed.serving else { return Ok(Found::new(SampleOutcome::Failed, "nothing serves")) };
        let one = observed.instances.iter().find(|instance| {
            instance.rollout == serving.record.rollout && process.is_none_or(|process| instance.process == *process)
        });
        let Some(instance) = one else { return Ok(Found::new(SampleOutcome::Failed, "no such instance is there")) };
        let attempt = self.target.probe(&self.place, instance, check, domain).await?;
        Ok(match attempt.outcome {
            ProbeOutcome::Passed { .. } => Found::passed(),
            ProbeOutcome::Answered { saw, excerpt } => {
                let first = excerpt.lines().next().unwrap_or_default();
                Found::new(SampleOutcome::Failed, format!("{}: {saw}: {first}", attempt.probe))
            }
            ProbeOutcome::Failed { error } => Found::new(SampleOutcome::Failed, format!("{}: {error}", attempt.probe)),
        })
    }

    async fn containers(&self, allowed: u32, seen: &Mutex<BTreeMap<InstanceId, u32>>) -> Result<Found, TargetError> {
        let observed = self.target.observe(&self.place).await?;
        let Some(serving) = &observed.serving else { return Ok(Found::new(SampleOutcome::Failed, "nothing serves")) };
        let wanted: usize = serving.record.placement.replicas.values().map(|count| usize::from(*count)).sum();
        let own: Vec<_> = observed.instances.iter().filter(|instance| instance.rollout == serving.record.rollout).collect();
        let running = own.iter().filter(|instance| instance.state == InstanceState::Running).count();
        let restarts: BTreeMap<InstanceId, u32> = own.iter().map(|one| (one.id.clone(), one.restarts)).collect();
        let before = std::mem::replace(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner), restarts.clone());
        let again: u32 = restarts.iter().filter_map(|(id, now)| Some(now.saturating_sub(*before.get(id)?))).sum();
        Ok(match running {
            0 if wanted > 0 => Found::new(SampleOutcome::Failed, format!("none of {wanted} instances runs")),
            some if some < wanted => Found::new(SampleOutcome::Degraded, format!("{some} of {wanted} instances run")),
            _ if again > allowed => Found::new(SampleOutcome::Degraded, format!("instances were restarted {again} times")),
            _ => Found::passed(),
        })
    }
}

async fn patiently(found: impl Future<Output = Result<Found, TargetError>>) -> Found {
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Found::new(SampleOutcome::Failed, error.to_string()),
        Err(_) => Found::new(SampleOutcome::Failed, "the engine does not answer"),
    }
}

/// Takes the figures of an environment's instances, and of its requests.
pub(super) struct Vitals {
    target: Arc<dyn Target>,
    place: Place,
    record: Record,
    before: Mutex<Before>,
}

/// What the last taking of figures found.
#[derive(Default)]
struct Before {
    at: Option<Instant>,
    processor: BTreeMap<InstanceId, u64>,
    cursor: Option<String>,
}

impl Vitals {
    pub fn new(target: Arc<dyn Target>, place: Place, record: Record) -> Self {
        Self { target, place, record, before: Mutex::default() }
    }

    /// Writes the figures; returns what is thought of the engine's disk, when that is known.
    pub async fn take(&self, store: &HealthStore) -> Option<Sample> {
        let at = Timestamp::now().as_millisecond();
        let taken = tokio::time::timeout(PATIENCE, self.figures()).await;
        let (mut figures, disk) = match taken {
            Ok(Ok(taken)) => taken,
            Ok(Err(error)) => {
                tracing::debug!(place = %self.place, %error, "no figures were taken");
                return None;
            }
            Err(_) => return None,
        };
        figures.extend(disk.map(|free| ("disk_free", Unit::Bytes, free)));
        let measured: Vec<Measured> = figures
            .into_iter()
            .map(|(name, unit, value)| Measured {
                place: self.place.clone(),
                series: Series { name: name.to_owned(), unit },
                at,
                outcome: SampleOutcome::Passed,
                value,
            })
            .collect();
        if let Err(error) = store.append(&measured) {
            tracing::warn!(%error, "figures were not kept");
        }
        let free = disk?;
        let (outcome, finding) = match free < LEAST_DISK {
            true => (SampleOutcome::Degraded, format!("the engine's disk has {} MB left", free / 1_000_000)),
            false => (SampleOutcome::Passed, String::new()),
        };
        Some(Sample { at, outcome, took: 0, finding })
    }

    async fn figures(&self) -> Result<(Vec<(&'static str, Unit, u64)>, Option<u64>), TargetError> {
        let observed = self.target.observe(&self.place).await?;
        let own = observed.instances.iter().filter(|one| one.rollout == self.record.rollout).collect::<Vec<_>>();
        let ids: Vec<InstanceId> = own.iter().map(|instance| instance.id.clone()).collect();
        let room = self.target.room(&ids).await?;
        let (cursor, elapsed) = self.last();
        let since = cursor.map_or(Since::Ago(Duration::from_secs(15)), Since::After);
        let traffic = self.target.traffic(&self.place, &since).await?;
        let mut figures = vec![("restarts", Unit::Count, own.iter().map(|one| u64::from(one.restarts)).sum())];
        let used: u64 = room.used.values().sum();
        if let Some(worst) = room.used.values().max() {
            let limit = self.record.placement.resources.memory.max(1);
            figures.push(("memory", Unit::Bytes, used));
            figures.push(("memory_share", Unit::Permille, worst.saturating_mul(1000) / limit));
        }
        figures.extend(self.requests(&traffic, elapsed));
        figures.extend(self.keep(room.processor, traffic.until, elapsed));
        Ok((figures, room.disk_free))
    }

    fn last(&self) -> (Option<String>, Option<Duration>) {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        (before.cursor.clone(), before.at.map(|at| at.elapsed()))
    }

    fn requests(&self, traffic: &Traffic, elapsed: Option<Duration>) -> Vec<(&'static str, Unit, u64)> {
        let elapsed = elapsed.unwrap_or(Duration::from_secs(15)).as_millis().max(1);
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let side = traffic.sides.get(&self.record.rollout).cloned().unwrap_or_default();
        let pace = |count: u64| count.saturating_mul(1_000_000) / elapsed;
        let p95 = side.p95_ms().map(|p95| ("p95", Unit::Microseconds, p95 * 1000));
        let counted =
            [("requests", Unit::MilliPerSecond, pace(side.requests)), ("errors", Unit::MilliPerSecond, pace(side.errors))];
        counted.into_iter().chain(p95).collect()
    }

    /// Keeps what the next taking begins with; returns the processor time that was used meanwhile.
    fn keep(
        &self,
        processor: BTreeMap<InstanceId, u64>,
        until: String,
        elapsed: Option<Duration>,
    ) -> Option<(&'static str, Unit, u64)> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let used: u64 = processor.iter().filter_map(|(id, now)| Some(now.saturating_sub(*before.processor.get(id)?))).sum();
        let known = processor.keys().any(|id| before.processor.contains_key(id));
        *before = Before { at: Some(Instant::now()), processor, cursor: Some(until).filter(|until| !until.is_empty()) };
        let nanoseconds = u64::try_from(elapsed?.as_nanos()).ok().filter(|elapsed| *elapsed > 0)?;
        known.then(|| ("cpu", Unit::Millicores, used.saturating_mul(1000) / nanoseconds))
    }
}
