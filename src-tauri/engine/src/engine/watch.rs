//! The loop that goes on without anybody watching: jobs at their times, and the ends of what others left. One process of a home holds it; another takes over when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::jobs::{JobDone, ReadyJob};
use super::readings::{Reading, Readings};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::model::{EnvironmentName, EnvironmentSettings, HealthState, Incident, JobRun, Notice};
use crate::process;
use crate::project::Project;
use crate::schedule::Schedule;
use crate::store::{format_time, now};
use crate::target::Place;

/// Time between two looks at what serves; a change in this home is seen at once.
const LOOK: Duration = Duration::from_secs(30);
/// The file in the home's folder that whoever watches holds.
const LOCK: &str = "watch.lock";

/// What the loop tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// Another process of this home holds the loop.
    Waiting {
        /// Who, as it wrote; may be empty.
        holder: String,
        /// Since when, RFC 3339; none where it did not write that.
        since: Option<String>,
    },
    /// This process holds it.
    Holding,
    /// The jobs that are watched changed.
    Jobs {
        /// Each with its environment, and when it is due next, RFC 3339.
        jobs: Vec<(Place, String, Option<String>)>,
    },
    /// A job was begun.
    Begun {
        /// Where.
        place: Place,
        /// Which.
        job: String,
    },
    /// A job's run ended.
    Ended(Box<JobRun>),
    /// A job was due while the run before it still went on.
    Overlapped {
        /// Where.
        place: Place,
        /// Which.
        job: String,
    },
    /// A rollout was ended that nobody worked on any more.
    Recovered {
        /// Where.
        place: Place,
        /// What was done, in words.
        done: Vec<String>,
    },
    /// The last measurements of a probe mean something else now.
    Verdict {
        /// Where.
        place: Place,
        /// Which probe.
        probe: String,
        /// What they meant.
        from: HealthState,
        /// What they mean.
        to: HealthState,
        /// What the last one found, in words.
        finding: String,
    },
    /// An incident began, got worse or ended.
    Incident(Box<Incident>),
    /// The desktop is to show this; [`Engine::shown`] takes its id once it was.
    Notice {
        /// Which.
        id: String,
        /// What.
        notice: Box<Notice>,
    },
    /// Something could not be done; the loop goes on.
    Trouble {
        /// What, in words.
        message: String,
    },
    /// Something cannot be done until it is over; the loop goes on.
    Hindered {
        /// What, in words.
        message: String,
    },
    /// What hindered is over.
    Freed {
        /// The same words.
        message: String,
    },
}

impl Engine {
    /// Watches what serves and runs jobs at their times, in every environment of every project of this home, until `stop` is cancelled: what runs then is ended
    /// with its grace time. Waits for its turn while another process of this home does it.
    ///
    /// # Errors
    /// When the home's folder cannot be used.
    pub async fn watch(&self, tell: mpsc::Sender<Watched>, stop: CancellationToken) -> Result<(), EngineError> {
        let Some(_held) = hold(&self.home.data, &tell, &stop).await? else { return Ok(()) };
        let mut changes = self.changes()?;
        let projects = Readings::of(self.store.clone());
        let _ = tell.send(Watched::Holding).await;
        // A part that ends before its time ends all: half a watch would keep a whole one from its place.
        let ends = stop.child_token();
        let mut parts = JoinSet::new();
        let (engine, seen, known) = (self.clone(), changes.clone(), projects.clone());
        let (told, until) = (tell.clone(), ends.clone());
        parts.spawn(async move { engine.watch_health(known, seen, told, until).await });
        let (engine, seen, known) = (self.clone(), changes.clone(), projects.clone());
        let (told, until) = (tell.clone(), ends.clone());
        parts.spawn(async move { engine.watch_logs(known, seen, told, until).await });
        let mut round = Round::new(self.clone(), projects, tell, ends);
        let mut ready = Vec::new();
        let mut look_at = tokio::time::Instant::now();
        let early = loop {
            if tokio::time::Instant::now() >= look_at {
                ready = round.look().await;
                look_at = tokio::time::Instant::now() + LOOK;
            }
            let next = round.begin_due(&ready).await;
            tokio::select! {
                biased;
                () = round.stop.cancelled() => break None,
                Some(part) = parts.join_next() => break Some(part),
                Some(ended) = round.running.join_next() => round.ended(ended).await,
                Some(ended) = round.ending.join_next() => round.left_ended(ended).await,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break None;
                    }
                    changes.borrow_and_update();
                    look_at = look_at.min(tokio::time::Instant::now() + Duration::from_secs(3));
                }
                () = tokio::time::sleep_until(look_at) => {}
                () = sleep_until(next) => {}
            }
        };
        round.stop.cancel();
        while let Some(ended) = round.running.join_next().await {
            round.ended(ended).await;
        }
        while let Some(ended) = round.ending.join_next().await {
            round.left_ended(ended).await;
        }
        while round.adopting.join_next().await.is_some() {}
        while parts.join_next().await.is_some() {}
        match early {
            _ if stop.is_cancelled() => Ok(()),
            Some(Err(panic)) => Err(EngineError::ours("watching ended before its time").with_sources(&panic)),
            Some(Ok(())) | None => Err(EngineError::ours("watching ended before its time")),
        }
    }

    async fn adopt(&self, run: &JobRun, stop: &CancellationToken) -> Result<(), EngineError> {
        let project = Project::open(&self.folder_of(&run.project)?)?;
        let (_, environment) = super::environment(&project, &run.environment)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        self.adopt_job(target.as_ref(), run, stop).await
    }
}

/// How a run ended that the loop had begun.
type EndedRun = (Place, String, Result<JobDone, EngineError>);

/// What was done where somebody had left a rollout.
type EndedLeft = (Place, Result<Vec<String>, EngineError>);

/// What goes on.
struct Round {
    engine: Engine,
    projects: Readings,
    tell: mpsc::Sender<Watched>,
    stop: CancellationToken,
    running: JoinSet<EndedRun>,
    /// What was left, being ended: nothing that is due waits for it.
    ending: JoinSet<EndedLeft>,
    /// Where.
    ends: BTreeSet<Place>,
    busy: BTreeSet<(Place, String)>,
    told: Vec<(Place, String)>,
    /// What cannot be done now, in words, and what was told of it last.
    troubles: BTreeMap<String, String>,
    adopting: JoinSet<String>,
    /// Ids of the runs whose ends are waited for.
    adopted: BTreeSet<String>,
}

impl Round {
    fn new(engine: Engine, projects: Readings, tell: mpsc::Sender<Watched>, stop: CancellationToken) -> Self {
        Self {
            engine,
            projects,
            tell,
            stop,
            running: JoinSet::new(),
            ending: JoinSet::new(),
            ends: BTreeSet::new(),
            busy: BTreeSet::new(),
            told: Vec::new(),
            troubles: BTreeMap::new(),
            adopting: JoinSet::new(),
            adopted: BTreeSet::new(),
        }
    }

    /// Passes on what was done at this look. What cannot be done is told once, until it is for another reason or can be done again.
    async fn told<T, E: std::fmt::Display>(&mut self, what: &str, done: Result<T, E>) -> Option<T> {
        match done {
            Ok(done) => {
                if let Some(message) = self.troubles.remove(what) {
                    let _ = self.tell.send(Watched::Freed { message }).await;
                }
                Some(done)
            }
            Err(error) => {
                let message = format!("{what}: {error}");
                if self.troubles.get(what) != Some(&message) {
                    if let Some(message) = self.troubles.insert(what.to_owned(), message.clone()) {
                        let _ = self.tell.send(Watched::Freed { message }).await;
                    }
                    let _ = self.tell.send(Watched::Hindered { message }).await;
                }
                None
            }
        }
    }

    /// Sees the ends of runs that an ended process had begun: they may go on for long, and nothing waits for them.
    async fn adopt_orphans(&mut self) {
        let orphans = self.engine.store.orphaned_jobs(process::still_runs);
        let Some(orphans) = self.told("jobs that were left", orphans).await else { return };
        while let Some(seen) = self.adopting.try_join_next() {
            if let Ok(id) = seen {
                self.adopted.remove(&id);
            }
        }
        for run in orphans {
            if !self.adopted.insert(run.id.clone()) {
                continue;
            }
            let (engine, tell, stop) = (self.engine.clone(), self.tell.clone(), self.stop.clone());
            self.adopting.spawn(async move {
                if let Err(error) = engine.adopt(&run, &stop).await {
                    trouble(&tell, format!("{} of {}: {error}", run.job, run.environment)).await;
                }
                run.id
            });
        }
    }

    /// Finds the jobs of what serves everywhere; begins to end what was left: runs and rollouts that nobody waits for any more.
    async fn look(&mut self) -> Vec<ReadyJob> {
        self.adopt_orphans().await;
        let mut ready = Vec::new();
        let Some(docker) = self.told("the engine", Docker::connect().await).await else { return ready };
        let readings = self.projects.read().await;
        for Reading { name: known, project, trouble, .. } in self.told("the projects", readings).await.unwrap_or_default() {
            self.told(&format!("the project {known}"), trouble.map_or(Ok(()), Err)).await;
            let Some(project) = project else { continue };
            for (name, environment) in &project.settings.environments {
                self.end_left(&docker, &project, name, environment);
                let jobs = tokio::time::timeout(LOOK, self.engine.ready_jobs(&docker, &project, name, environment)).await;
                let jobs = jobs.unwrap_or_else(|_| {
                    Err(EngineError::user("engine_slow", format!("the engine did not answer within {} s", LOOK.as_secs())))
                });
                ready.extend(self.told(&format!("{name} of {known}"), jobs).await.into_iter().flatten());
            }
        }
        let names: Vec<(Place, String)> = ready.iter().map(|job| (job.place.clone(), job.job.name.clone())).collect();
        if names != self.told {
            let now = Timestamp::now();
            let next = |job: &ReadyJob| Schedule::read(&job.job.schedule, &job.job.timezone).ok()?.next(now).map(format_time);
            let jobs = ready.iter().map(|job| (job.place.clone(), job.job.name.clone(), next(job))).collect();
            let _ = self.tell.send(Watched::Jobs { jobs }).await;
            self.told = names;
        }
        ready
    }

    fn end_left(&mut self, docker: &Docker, project: &Arc<Project>, name: &EnvironmentName, environment: &EnvironmentSettings) {
        // What cannot be reached now is reached at another look; the jobs there tell of it.
        let Ok(target) = self.engine.target(docker, project, environment) else { return };
        let place = super::place(project, name);
        if !self.ends.insert(place.clone()) {
            return;
        }
        let (engine, project, name, bake) = (self.engine.clone(), Arc::clone(project), name.clone(), environment.bake);
        self.ending.spawn(async move {
            let done = engine.end_left(target, &project, &name, bake).await;
            (place, done)
        });
    }

    async fn left_ended(&mut self, ended: Result<EndedLeft, tokio::task::JoinError>) {
        let (place, done) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                self.ends.clear();
                return trouble(&self.tell, error.to_string()).await;
            }
        };
        self.ends.remove(&place);
        if let Some(done) = self.told(&format!("what was left in {place}"), done).await.filter(|done| !done.is_empty()) {
            let _ = self.tell.send(Watched::Recovered { place, done }).await;
        }
    }

    /// Begins what is due; returns when the next one is.
    async fn begin_due(&mut self, ready: &[ReadyJob]) -> Option<Timestamp> {
        let now = Timestamp::now();
        let mut next: Option<Timestamp> = None;
        for job in ready {
            let Ok(schedule) = Schedule::read(&job.job.schedule, &job.job.timezone) else { continue };
            let from = self.engine.store.job_counts_from(&job.place, &job.job.name);
            let Some(from) = self.told("when jobs ran last", from).await else { continue };
            let from = from.parse().unwrap_or(now);
            if from > now {
                // The clock was set back: what it counts from is yet to come, and nothing would be due until then.
                let counted = self.engine.store.count_job_from(&job.place, &job.job.name, &format_time(now));
                self.told("when jobs run next", counted).await;
            }
            match schedule.due(from, now) {
                // However often it was missed, it runs once.
                Some(due) => {
                    let counted = self.engine.store.count_job_from(&job.place, &job.job.name, &format_time(now));
                    // It would begin again and again.
                    let Some(()) = self.told("that jobs run now", counted).await else { continue };
                    self.begin(job.clone(), due).await;
                    next = [next, schedule.next(now)].into_iter().flatten().min();
                }
                None => next = [next, schedule.next(now)].into_iter().flatten().min(),
            }
        }
        next
    }

    async fn begin(&mut self, job: ReadyJob, due: Timestamp) {
        let key = (job.place.clone(), job.job.name.clone());
        if !self.busy.insert(key.clone()) {
            let _ = self.tell.send(Watched::Overlapped { place: key.0, job: key.1 }).await;
            return;
        }
        let _ = self.tell.send(Watched::Begun { place: key.0.clone(), job: key.1.clone() }).await;
        let (engine, stop) = (self.engine.clone(), self.stop.clone());
        self.running.spawn(async move {
            let run = engine.do_job(&job, Some(format_time(due)), None, &stop).await;
            (key.0, key.1, run)
        });
    }

    async fn ended(&mut self, ended: Result<EndedRun, tokio::task::JoinError>) {
        let (place, job, run) = match ended {
            Ok(ended) => ended,
            // A panic must not end the loop; whose it was is not known, so that every one may begin again.
            Err(error) => {
                self.busy.clear();
                return trouble(&self.tell, error.to_string()).await;
            }
        };
        self.busy.remove(&(place.clone(), job.clone()));
        if !self.stop.is_cancelled() && matches!(run, Ok(JobDone::Ran(_)) | Err(_)) {
            self.engine.tell_of_job(&place, &job, &self.tell).await;
        }
        let told = match run {
            Ok(JobDone::Ran(run)) => Watched::Ended(run),
            Ok(JobDone::Answered) => return,
            Ok(JobDone::Overlapped) => {
                // It may be that of a process which ended a moment ago.
                self.adopt_orphans().await;
                Watched::Overlapped { place, job }
            }
            Err(error) => Watched::Trouble { message: format!("{job} of {place}: {error}") },
        };
        let _ = self.tell.send(told).await;
    }
}

async fn trouble(tell: &mpsc::Sender<Watched>, message: String) {
    let _ = tell.send(Watched::Trouble { message }).await;
}

async fn sleep_until(at: Option<Timestamp>) {
    match at {
        Some(at) => {
            let left = at.duration_since(Timestamp::now());
            // At the time, and not a moment before: it would not be due yet.
            tokio::time::sleep(Duration::try_from(left).unwrap_or_default() + Duration::from_millis(5)).await;
        }
        None => std::future::pending().await,
    }
}

/// Takes the loop's file lock in the home's folder; the system gives it back when the process ends, however it does. None when the wait was
/// stopped.
async fn hold(data: &Path, tell: &mpsc::Sender<Watched>, stop: &CancellationToken) -> Result<Option<File>, EngineError> {
    let path = data.join(LOCK);
    let unusable = |error: std::io::Error| {
        EngineError::user("home_unusable", format!("`{}` cannot be locked: {error}", path.display()))
            .with_hint("make the folder writable, or point NONEVENT_HOME at another one")
    };
    let file = open_lock(data).map_err(unusable)?;
    let file = match file.try_lock() {
        Ok(()) => file,
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
        Err(TryLockError::WouldBlock) => {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let (holder, since) = text.trim().rsplit_once(" since ").unzip();
            let holder = holder.unwrap_or(text.trim()).to_owned();
            let _ = tell.send(Watched::Waiting { holder, since: since.map(str::to_owned) }).await;
            let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                locked = waiting => match locked {
                    Ok(locked) => locked.map_err(unusable)?,
                    Err(error) => return Err(EngineError::ours(error.to_string())),
                },
            }
        }
    };
    sign(&file);
    Ok(Some(file))
}

/// Takes the loop's file lock where nobody holds it: for a moment, whoever does is the one who watches.
pub(super) fn hold_now(data: &Path) -> Option<File> {
    let file = open_lock(data).ok()?;
    file.try_lock().ok()?;
    sign(&file);
    Some(file)
}

fn open_lock(data: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).open(data.join(LOCK))
}

/// Writes down who holds it.
fn sign(mut file: &File) {
    let who = format!("{} (process {}) since {}\n", process::who(), std::process::id(), now());
    let written = file.set_len(0).and_then(|()| file.write_all(who.as_bytes()));
    if let Err(error) = written {
        tracing::debug!(%error, "who holds the loop was not written");
    }
}
