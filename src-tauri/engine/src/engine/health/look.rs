//! What there is to watch: every probe of every environment in which something serves.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Key;
use super::judge::Seen;
use super::measure::{Means, Prepared, Vitals};
use crate::certificates::{Authority, is_local};
use crate::compare::placement_changes;
use crate::docker::Docker;
use crate::engine::readings::{Reading, Readings};
use crate::engine::{Engine, Watched, nothing_serves, place};
use crate::error::EngineError;
use crate::health::probes::HttpProber;
use crate::health::scheduler::{Pace, Wanted};
use crate::health::verdict::Rules;
use crate::mask::Mask;
use crate::model::{
    EnvironmentName, EnvironmentSettings, HealthCheck, HealthProbe, Marker, NotifyLevel, NotifySettings, ProbeKind,
    ProbeSettings, ProcessKind, ProcessName, RolloutState, Threshold,
};
use crate::project::Project;
use crate::request::Change;
use crate::store::HealthStore;
use crate::target::{Observed, Place, Record, Target};

/// Time between two looks at what serves; a change in this home is seen at once.
const LOOK: Duration = Duration::from_secs(30);
/// Time between two takings of figures.
const VITALS: Duration = Duration::from_secs(15);
/// Rollouts among which the one before what serves is looked for.
const KNOWN: u32 = 50;
/// The name of the verdict on the engine's disk.
pub(super) const DISK: &str = "disk";

/// Every environment that is watched.
pub(super) type Subjects = Arc<Mutex<BTreeMap<Place, Subject>>>;

/// An environment that is watched.
#[derive(Clone)]
pub(super) struct Subject {
    pub target: Arc<dyn Target>,
    pub record: Record,
    pub url: Option<String>,
    pub level: NotifyLevel,
    pub notify: NotifySettings,
    /// Values that its instances have, as they were when it was made: an instance is never changed.
    pub mask: Mask,
    pub tasks: BTreeMap<String, Task>,
    pub rules: BTreeMap<String, Rules>,
    made_of: (Vec<ProbeSettings>, Vec<String>),
    /// Whether it stands on the time axis since when it serves.
    marked: bool,
}

/// What is done at a turn.
#[derive(Clone)]
pub(super) enum Task {
    Probe(Arc<Prepared>),
    Vitals(Arc<Vitals>),
}

/// Finds what is to be done; none when it is no longer watched.
pub(super) fn find(subjects: &Subjects, key: &Key) -> Option<Task> {
    let subjects = subjects.lock().unwrap_or_else(PoisonError::into_inner);
    subjects.get(&key.0)?.tasks.get(&key.1).cloned()
}

/// Finds an environment.
pub(super) fn subject(subjects: &Subjects, place: &Place) -> Option<Subject> {
    subjects.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
}

impl Engine {
    /// Looks for what there is to watch until `stop` is cancelled.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn keep_looking(
        &self,
        projects: &Readings,
        mut changes: watch::Receiver<Change>,
        store: &HealthStore,
        subjects: &Subjects,
        wanted: &mpsc::Sender<Wanted<Key>>,
        seen: mpsc::Sender<Seen>,
        tell: &mpsc::Sender<Watched>,
        stop: &CancellationToken,
    ) {
        let mut seq = self.told_up_to(store, self.store.latest_seq().unwrap_or_default());
        loop {
            changes.borrow_and_update();
            match self.look_everywhere(projects, subjects, store).await {
                Ok(empty) => {
                    let _ = wanted.send(turns(subjects)).await;
                    for place in empty {
                        let _ = seen.send(Seen::Empty(place)).await;
                    }
                }
                // What was watched goes on being watched: it is unknown, not gone. Who looks for jobs tells of it.
                Err(error) => tracing::debug!(%error, "there is no engine to look at"),
            }
            self.tell_rollouts(&mut seq, subjects, store, tell).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // A run tells much in a short time.
                    tokio::time::sleep(Duration::from_secs(3)).await;
                }
            }
        }
    }

    /// Returns where nothing serves.
    async fn look_everywhere(
        &self,
        projects: &Readings,
        subjects: &Subjects,
        store: &HealthStore,
    ) -> Result<Vec<Place>, EngineError> {
        let docker = Docker::connect().await?;
        let (mut found, mut empty) = (BTreeMap::new(), Vec::new());
        for Reading { project, .. } in projects.read().await? {
            let Some(project) = project else { continue };
            for (name, environment) in &project.settings.environments {
                let place = place(&project, name);
                let before = subject(subjects, &place);
                match self.look_at(&docker, &project, name, environment, before.as_ref(), store).await {
                    Ok(Some(subject)) => drop(found.insert(place, subject)),
                    Ok(None) => empty.push(place),
                    Err(error) => {
                        tracing::debug!(%place, %error, "an environment could not be looked at");
                        found.extend(before.map(|before| (place, before)));
                    }
                }
            }
        }
        *subjects.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(empty)
    }

    async fn look_at(
        &self,
        docker: &Docker,
        project: &Project,
        name: &EnvironmentName,
        environment: &EnvironmentSettings,
        before: Option<&Subject>,
        store: &HealthStore,
    ) -> Result<Option<Subject>, EngineError> {
        let target = self.target(docker, project, environment)?;
        let place = place(project, name);
        let observed = target.observe(&place).await?;
        let Some(serving) = &observed.serving else {
            // Where the proxy is gone nothing serves, and nothing was taken away either.
            return if observed.instances.is_empty() { Ok(None) } else { Err(nothing_serves(name)) };
        };
        let record = serving.record.clone();
        let asked = (environment.probes.clone(), environment.neighbours.clone());
        let same =
            |before: &&Subject| before.marked && before.made_of == asked && before.url == observed.url && before.record == record;
        if let Some(before) = before.filter(same) {
            return Ok(Some(Subject { level: environment.notify, notify: project.settings.notify.clone(), ..before.clone() }));
        }
        // Twice is once; a full disk keeps nobody from watching.
        let marked = store.mark(&place, &marker(&record, &self.changed_with(&place, &record)));
        if let Err(error) = &marked {
            tracing::warn!(%place, %error, "what serves since when was not kept");
        }
        let mut subject = Subject {
            target: Arc::clone(&target),
            url: observed.url.clone(),
            level: environment.notify,
            notify: project.settings.notify.clone(),
            mask: Mask::new(&target.secrets_of(&place).await?),
            tasks: BTreeMap::new(),
            rules: BTreeMap::new(),
            made_of: asked,
            marked: marked.is_ok(),
            record,
        };
        for probe in &environment.probes {
            let Some(means) = self.means(probe, &subject.record, &observed)? else { continue };
            let prepared = Prepared {
                target: Arc::clone(&target),
                place: place.clone(),
                means,
                timeout: probe.timeout,
                neighbours: environment.neighbours.clone(),
            };
            subject.rules.insert(probe.name.clone(), Rules::from(probe));
            subject.tasks.insert(probe.name.clone(), Task::Probe(Arc::new(prepared)));
        }
        let once = Threshold { count: 1, of: 1 };
        subject.rules.insert(DISK.to_owned(), Rules { fall: once, recover: once, interval: VITALS, timeout: LOOK });
        subject.tasks.insert(String::new(), Task::Vitals(Arc::new(Vitals::new(target, place, subject.record.clone()))));
        Ok(Some(subject))
    }

    /// Names what the environment gave its instances otherwise with what serves than with what served before, as far as this home knows.
    fn changed_with(&self, place: &Place, record: &Record) -> Vec<String> {
        let Ok(rollouts) = self.store.rollouts(&place.project, Some(&place.environment), KNOWN) else { return Vec::new() };
        let mut earlier = rollouts.iter().skip_while(|rollout| rollout.id != record.rollout).skip(1);
        let before = earlier.find(|rollout| matches!(rollout.state, RolloutState::Succeeded | RolloutState::Baking));
        before.map(|before| placement_changes(&before.placement, &record.placement)).unwrap_or_default()
    }

    /// Returns how a probe is made; none where the environment has nothing that it could ask.
    fn means(&self, probe: &ProbeSettings, record: &Record, observed: &Observed) -> Result<Option<Means>, EngineError> {
        Ok(Some(match &probe.kind {
            ProbeKind::Http(http) => {
                let own = http.target.starts_with('/');
                let Some(base) = observed.url.as_deref().or((!own).then_some("")) else { return Ok(None) };
                let url = if own { format!("{base}{}", http.target) } else { http.target.clone() };
                let parsed = url::Url::parse(&url).ok();
                let local = parsed.as_ref().filter(|url| url.host_str().is_some_and(is_local));
                let at = local.and_then(|url| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, url.port_or_known_default()?))));
                let authority = match at.filter(|_| url.starts_with("https")) {
                    Some(_) => Authority::of(&self.home.data).certificate().ok().and_then(|path| std::fs::read(path).ok()),
                    None => None,
                };
                let prober = HttpProber::new(http.clone(), &url, at, authority.as_deref(), probe.timeout)
                    .map_err(|error| EngineError::ours(error.to_string()))?;
                Means::Http(Box::new(prober))
            }
            ProbeKind::Tcp { address } => Means::Tcp(address.clone().unwrap_or_default()),
            ProbeKind::Command { run, process } => {
                let check = HealthCheck {
                    probe: HealthProbe::Command(run.clone()),
                    timeout: probe.timeout,
                    ..record.release.health.clone()
                };
                Means::Command {
                    check,
                    process: process.clone().or_else(|| web(record)),
                    domain: record.placement.domain.clone(),
                }
            }
            ProbeKind::Container { restarts } => Means::Container { allowed: *restarts, seen: Mutex::default() },
        }))
    }
}

fn web(record: &Record) -> Option<ProcessName> {
    let processes = &record.release.app.processes;
    let web = processes.iter().find(|process| matches!(process.kind, ProcessKind::Web { .. }));
    web.or(processes.first()).map(|process| process.name.clone())
}

fn marker(record: &Record, changes: &[String]) -> Marker {
    let at = record.staged_at.parse().unwrap_or_else(|_| jiff::Timestamp::now()).as_millisecond();
    let what = record.reason.map_or("rollout", |reason| reason.word());
    let changes = if changes.is_empty() { String::new() } else { format!(": {}", changes.join(", ")) };
    Marker { at, release: Some(record.release.id.clone()), text: format!("{what} of {}{changes}", record.release.id) }
}

fn turns(subjects: &Subjects) -> Wanted<Key> {
    let subjects = subjects.lock().unwrap_or_else(PoisonError::into_inner);
    let turn = |(place, subject): (&Place, &Subject)| {
        let pace = |name: &String| {
            let probe = subject.made_of.0.iter().find(|probe| probe.name == *name);
            probe.map_or(Pace { interval: VITALS, jitter: VITALS / 10 }, |probe| Pace {
                interval: probe.interval,
                jitter: probe.jitter,
            })
        };
        subject.tasks.keys().map(|name| ((place.clone(), name.clone()), pace(name))).collect::<Vec<_>>()
    };
    subjects.iter().flat_map(turn).collect()
}
