//! The loop that goes on without anybody watching: jobs at their times, and the ends of what others left. One process of a home holds it; another takes over when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::jobs::ReadyJob;
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

/// What the loop tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// Another process of this home holds the loop.
    Waiting {
        /// Who, as it wrote.
        holder: String,
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
}

impl Engine {
    /// Watches what serves and runs jobs at their times, in every environment of every project of this home, until `stop` is cancelled: what runs then is ended
    /// with its grace time. Waits for its turn while another process of this home does it.
    ///
    /// # Errors
    /// When the home's folder cannot be used.
    pub async fn watch(&self, tell: mpsc::Sender<Watched>, stop: CancellationToken) -> Result<(), EngineError> {
        let Some(_held) = hold(self.home.data.join("watch.lock"), &tell, &stop).await? else { return Ok(()) };
        let _ = tell.send(Watched::Holding).await;
        let health = {
            let (engine, tell, stop) = (self.clone(), tell.clone(), stop.clone());
            tokio::spawn(async move { engine.watch_health(tell, stop).await })
        };
        let logs = {
            let (engine, tell, stop) = (self.clone(), tell.clone(), stop.clone());
            tokio::spawn(async move { engine.watch_logs(tell, stop).await })
        };
        let mut round = Round::new(self.clone(), tell, stop);
        let mut changes = self.changes()?;
        let mut ready = Vec::new();
        let mut look_at = tokio::time::Instant::now();
        loop {
            if tokio::time::Instant::now() >= look_at {
                ready = round.look().await;
                look_at = tokio::time::Instant::now() + LOOK;
            }
            let next = round.begin_due(&ready).await;
            tokio::select! {
                biased;
                () = round.stop.cancelled() => break,
                Some(ended) = round.running.join_next() => round.ended(ended).await,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    changes.borrow_and_update();
                    look_at = look_at.min(tokio::time::Instant::now() + Duration::from_secs(3));
                }
                () = tokio::time::sleep_until(look_at) => {}
                () = sleep_until(next) => {}
            }
        }
        while let Some(ended) = round.running.join_next().await {
            round.ended(ended).await;
        }
        while round.adopting.join_next().await.is_some() {}
        for (task, what) in [(health, "health"), (logs, "logs")] {
            if let Err(error) = task.await {
                tracing::error!(%error, what, "watching ended before its time");
            }
        }
        Ok(())
    }

    async fn adopt(&self, run: &JobRun, stop: &CancellationToken) -> Result<(), EngineError> {
        let project = Project::open(&self.folder_of(&run.project)?)?;
        let (_, environment) = super::environment(&project, &run.environment)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        self.adopt_job(target.as_ref(), run, stop).await
    }
}

/// How a run ended that the loop had begun.
type EndedRun = (Place, String, Result<Option<JobRun>, EngineError>);

/// What goes on.
struct Round {
    engine: Engine,
    tell: mpsc::Sender<Watched>,
    stop: CancellationToken,
    running: JoinSet<EndedRun>,
    busy: BTreeSet<(Place, String)>,
    told: Vec<(Place, String)>,
    /// What cannot be done now, in words, and what was told of it last.
    troubles: BTreeMap<String, String>,
    adopting: JoinSet<String>,
    /// Ids of the runs whose ends are waited for.
    adopted: BTreeSet<String>,
}

impl Round {
    fn new(engine: Engine, tell: mpsc::Sender<Watched>, stop: CancellationToken) -> Self {
        Self {
            engine,
            tell,
            stop,
            running: JoinSet::new(),
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
                    trouble(&self.tell, format!("that is over: {message}")).await;
                }
                Some(done)
            }
            Err(error) => {
                let message = format!("{what}: {error}");
                if self.troubles.get(what) != Some(&message) {
                    trouble(&self.tell, message.clone()).await;
                    self.troubles.insert(what.to_owned(), message);
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

    /// Finds the jobs of what serves everywhere; ends what was left: runs and rollouts that nobody waits for any more.
    async fn look(&mut self) -> Vec<ReadyJob> {
        self.adopt_orphans().await;
        let mut ready = Vec::new();
        let Some(docker) = self.told("the engine", Docker::connect().await).await else { return ready };
        for known in self.engine.store.projects().unwrap_or_default() {
            // A project whose folder is gone, or cannot be read now, has no jobs here.
            let Ok(project) = Project::open(&known.folder) else { continue };
            for (name, environment) in &project.settings.environments {
                self.end_left(&docker, &project, name, environment).await;
                let jobs = self.engine.ready_jobs(&docker, &project, name, environment).await;
                ready.extend(self.told(&format!("{name} of {}", known.name), jobs).await.into_iter().flatten());
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

    async fn end_left(&mut self, docker: &Docker, project: &Project, name: &EnvironmentName, environment: &EnvironmentSettings) {
        // What cannot be reached now is reached at another look; the jobs there tell of it.
        let Ok(target) = self.engine.target(docker, project, environment) else { return };
        let done = self.engine.end_left(target, project, name, environment.bake).await;
        let what = format!("what was left in {name} of {}", project.settings.app.name);
        if let Some(done) = self.told(&what, done).await.filter(|done| !done.is_empty()) {
            let _ = self.tell.send(Watched::Recovered { place: super::place(project, name), done }).await;
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
            match schedule.due(from.parse().unwrap_or(now), now) {
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
        let told = match run {
            Ok(Some(run)) => Watched::Ended(Box::new(run)),
            Ok(None) => {
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

/// Takes the loop's file lock; the system gives it back when the process ends, however it does. None when the wait was stopped.
async fn hold(path: PathBuf, tell: &mpsc::Sender<Watched>, stop: &CancellationToken) -> Result<Option<File>, EngineError> {
    let unusable = |error: std::io::Error| {
        EngineError::user("home_unusable", format!("`{}` cannot be locked: {error}", path.display()))
            .with_hint("make the folder writable, or point NONEVENT_HOME at another one")
    };
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(unusable)?;
    let file = match file.try_lock() {
        Ok(()) => file,
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
        Err(TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
            let _ = tell.send(Watched::Waiting { holder }).await;
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
    let mut writer = &file;
    let who = format!("{} (process {}) since {}\n", process::who(), std::process::id(), now());
    let written = file.set_len(0).and_then(|()| writer.write_all(who.as_bytes()));
    if let Err(error) = written {
        tracing::debug!(%error, "who holds the loop was not written");
    }
    Ok(Some(file))
}
