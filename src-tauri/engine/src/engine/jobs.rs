//! Jobs of what serves: which there are, and one run of one of them.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, environment, nothing_serves, place};
use crate::docker::Docker;
use crate::error::EngineError;
use crate::mask::Mask;
use crate::model::{BuilderKind, EnvironmentName, EnvironmentSettings, JobRun, JobSettings, JobStatus, LogLine, SecretDelivery};
use crate::pipeline::secrets::{Needs, values};
use crate::process;
use crate::project::Project;
use crate::schedule::Schedule;
use crate::store::{JobEnded, format_time, now};
use crate::target::{InstanceSpec, JobEnd, JobOrder, Place, Record, RootFileSystem, Secret, Target};

/// Last lines of a run that are kept.
const LINES: usize = 100;
/// Time between SIGTERM and SIGKILL where a release has no process that says.
const GRACE: Duration = Duration::from_secs(10);

/// A job of what serves, ready to be run.
#[derive(Clone)]
pub(super) struct ReadyJob {
    pub place: Place,
    pub job: JobSettings,
    record: Arc<Record>,
    environment: Arc<EnvironmentSettings>,
    /// The project's folder, where commands that print secrets run.
    root: PathBuf,
    target: Arc<dyn Target>,
}

impl Engine {
    /// Lists the jobs of what serves in an environment, with when they run and what became of their last runs.
    ///
    /// # Errors
    /// When nothing serves, or the target does not answer.
    pub async fn jobs(&self, folder: &Path, name: &EnvironmentName) -> Result<Vec<JobStatus>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let place = place(&project, name);
        let serving = target.observe(&place).await?.serving.ok_or_else(|| nothing_serves(name))?;
        let status = |job: &JobSettings| -> Result<JobStatus, EngineError> {
            let schedule = Schedule::read(&job.schedule, &job.timezone).ok();
            Ok(JobStatus {
                name: job.name.clone(),
                schedule: job.schedule.clone(),
                timezone: job.timezone.clone(),
                command: job.run.display(),
                next: schedule.and_then(|schedule| schedule.next(Timestamp::now())).map(format_time),
                last: self.store.job_runs(&place, Some(&job.name), 1)?.into_iter().next(),
            })
        };
        serving.record.release.settings.jobs.iter().map(status).collect()
    }

    /// Lists the last runs of an environment's jobs, the newest first; of one job where it is named. Asks no engine.
    ///
    /// # Errors
    /// When the project or the database cannot be read.
    pub fn job_runs(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        job: Option<&str>,
        limit: u32,
    ) -> Result<Vec<JobRun>, EngineError> {
        let project = self.open_project(folder)?;
        let (name, _) = environment(&project, name)?;
        Ok(self.store.job_runs(&place(&project, name), job, limit)?)
    }

    /// Runs a job now, whenever it is due; its lines go to `lines` as they come. Cancelling `stop` ends it with its grace time.
    ///
    /// # Errors
    /// When there is no such job, another run of it goes on, or the target does not answer.
    pub async fn run_job(
        &self,
        folder: &Path,
        name: &EnvironmentName,
        job: &str,
        lines: mpsc::Sender<LogLine>,
        stop: &CancellationToken,
    ) -> Result<JobRun, EngineError> {
        let project = self.open_project(folder)?;
        let (name, environment) = environment(&project, name)?;
        let target = self.target(&Docker::connect().await?, &project, environment)?;
        let place = place(&project, name);
        let serving = target.observe(&place).await?.serving.ok_or_else(|| nothing_serves(name))?;
        let jobs = &serving.record.release.settings.jobs;
        let found = jobs.iter().find(|one| one.name == job).cloned().ok_or_else(|| {
            let known = jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(", ");
            let hint = match known.is_empty() {
                true => format!("add `[job.{job}]` to the configuration, and ship"),
                false => format!("it has {known}"),
            };
            EngineError::user("job_unknown", format!("the release that serves in {name} has no job `{job}`")).with_hint(hint)
        })?;
        let (record, environment) = (Arc::new(serving.record), Arc::new(environment.clone()));
        let ready = ReadyJob { place, job: found, record, environment, root: project.root.clone(), target };
        let run = self.do_job(&ready, None, Some(lines), stop).await?;
        match run {
            JobDone::Ran(run) => Ok(*run),
            JobDone::Overlapped | JobDone::Answered => Err(EngineError::job_runs(job, name)),
        }
    }

    /// Makes the jobs of what serves in an environment ready to be run.
    pub(super) async fn ready_jobs(
        &self,
        docker: &Docker,
        project: &Project,
        name: &EnvironmentName,
        environment: &EnvironmentSettings,
    ) -> Result<Vec<ReadyJob>, EngineError> {
        let target = self.target(docker, project, environment)?;
        let place = place(project, name);
        let Some(serving) = target.observe(&place).await?.serving else { return Ok(Vec::new()) };
        let jobs = serving.record.release.settings.jobs.clone();
        let (record, environment) = (Arc::new(serving.record), Arc::new(environment.clone()));
        let ready = |job| ReadyJob {
            place: place.clone(),
            job,
            record: Arc::clone(&record),
            environment: Arc::clone(&environment),
            root: project.root.clone(),
            target: Arc::clone(&target),
        };
        Ok(jobs.into_iter().map(ready).collect())
    }

    /// Values of the secrets that were placed with what serves; their values are those of today.
    async fn placed_secrets(&self, ready: &ReadyJob) -> Result<BTreeMap<String, Secret>, EngineError> {
        let mut needs = Needs::of_environment(&ready.place.project, &ready.root, &ready.place.environment, &ready.environment);
        needs.names = ready.record.placement.secrets.keys().map(String::as_str).collect();
        values(&self.vaults, &needs).await
    }

    /// Runs a job and remembers it. Values of secrets are asked for now, and not before.
    pub(super) async fn do_job(
        &self,
        ready: &ReadyJob,
        due_at: Option<String>,
        tell: Option<mpsc::Sender<LogLine>>,
        stop: &CancellationToken,
    ) -> Result<JobDone, EngineError> {
        let mut run = JobRun {
            id: uuid::Uuid::now_v7().simple().to_string(),
            project: ready.place.project.clone(),
            environment: ready.place.environment.clone(),
            job: ready.job.name.clone(),
            release: Some(ready.record.release.id.clone()),
            due_at,
            started_at: now(),
            finished_at: None,
            exit_code: None,
            oom: false,
            failure: None,
            lines: Vec::new(),
            by: process::who(),
        };
        self.store.begin_job(&run)?;
        let secrets = match self.placed_secrets(ready).await {
            Ok(secrets) => secrets,
            Err(error) => {
                self.store.finish_job(&run.id, &failed(&format!("not begun: {error}")))?;
                return Err(error);
            }
        };
        let mask = Mask::new(secrets.values());
        let spec = spec(ready, secrets);
        let due = run.due_at.as_deref().and_then(|due| due.parse().ok());
        let order = JobOrder { job: &ready.job.name, run: &run.id, due, spec: Some(&spec) };
        let ended = end(ready.target.as_ref(), &ready.place, order, ready.job.timeout, &mask, tell, stop).await;
        let ended = match ended {
            Ended::Run(ended) => ended,
            Ended::Overlaps => {
                self.store.finish_job(&run.id, &failed(OVERLAPPED))?;
                return Ok(JobDone::Overlapped);
            }
            Ended::Answered => {
                self.store.forget_job_run(&run.id)?;
                return Ok(JobDone::Answered);
            }
        };
        self.store.finish_job(&run.id, &ended)?;
        run.finished_at = Some(now());
        run.exit_code = ended.exit.map(|exit| exit.exit_code);
        run.oom = ended.exit.is_some_and(|exit| exit.oom);
        run.failure = ended.failure;
        run.lines = ended.lines;
        Ok(JobDone::Ran(Box::new(run)))
    }

    /// Sees the end of a run that an ended process of this machine had begun.
    pub(super) async fn adopt_job(&self, target: &dyn Target, run: &JobRun, stop: &CancellationToken) -> Result<(), EngineError> {
        let place = Place { project: run.project.clone(), environment: run.environment.clone() };
        let order = JobOrder { job: &run.job, run: &run.id, due: None, spec: None };
        let known = self.store.releases(&place.project)?;
        let release = known.iter().find(|release| run.release.as_ref() == Some(&release.id));
        let job = release.and_then(|release| release.settings.jobs.iter().find(|job| job.name == run.job));
        let spent = run.started_at.parse().map_or(Duration::ZERO, |at| Timestamp::now().duration_since(at).unsigned_abs());
        let left = job.map_or(ADOPTED, |job| job.timeout.saturating_sub(spent));
        // Whoever began it knew the values of its secrets; here the lines are not known to be clean.
        let ended = match end(target, &place, order, left, &Mask::default(), None, stop).await {
            Ended::Run(ended) => JobEnded { lines: Vec::new(), ..ended },
            Ended::Overlaps | Ended::Answered => failed(LOST),
        };
        Ok(self.store.finish_job(&run.id, &ended)?)
    }
}

/// Time that an adopted run may go on, where that of its own is not known any more.
const ADOPTED: Duration = Duration::from_secs(3600);

const OVERLAPPED: &str = "not begun: the run before it still goes on";

/// Tells whether a run was not begun because the one before it went on.
pub(super) fn overlapped(run: &JobRun) -> bool {
    run.failure.as_deref() == Some(OVERLAPPED)
}

const LOST: &str = "the process that ran it ended before it did; whether it came to its end is not known";

/// What became of a job that was to be run.
pub(super) enum JobDone {
    Ran(Box<JobRun>),
    /// Another run of it goes on.
    Overlapped,
    /// Whoever watches elsewhere answered this time of its schedule.
    Answered,
}

enum Ended {
    Run(JobEnded),
    Overlaps,
    Answered,
}

fn failed(why: &str) -> JobEnded {
    JobEnded { exit: None, failure: Some(why.to_owned()), lines: Vec::new() }
}

/// Runs a job to its end, keeping its last lines without the values of secrets.
async fn end(
    target: &dyn Target,
    place: &Place,
    order: JobOrder<'_>,
    limit: Duration,
    mask: &Mask,
    tell: Option<mpsc::Sender<LogLine>>,
    stop: &CancellationToken,
) -> Ended {
    let (sender, mut receiver) = mpsc::channel::<LogLine>(1024);
    let halt = stop.child_token();
    let running = async {
        let end = target.run_job(place, order, &sender, &halt).await;
        drop(sender);
        end
    };
    let reading = async {
        let mut kept = VecDeque::new();
        while let Some(line) = receiver.recv().await {
            let line = LogLine { text: mask.text(&line.text).into_owned(), source: order.job.to_owned(), ..line };
            if let Some(tell) = &tell {
                // Whoever listened may have gone; the run goes on.
                let _ = tell.send(line.clone()).await;
            }
            if kept.len() == LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
        Vec::from(kept)
    };
    let both = async { tokio::join!(running, reading) };
    tokio::pin!(both);
    let mut late = false;
    let (end, lines) = tokio::select! {
        ended = &mut both => ended,
        () = tokio::time::sleep(limit) => {
            late = true;
            halt.cancel();
            both.await
        }
    };
    let failure = match () {
        () if late => Some(format!("stopped: it took longer than {} s", limit.as_secs())),
        () if stop.is_cancelled() => Some("stopped by a person".to_owned()),
        () => None,
    };
    Ended::Run(match end {
        Ok(JobEnd::Ended(exit)) => JobEnded { exit: Some(exit), failure, lines },
        Ok(JobEnd::Overlaps) => return Ended::Overlaps,
        Ok(JobEnd::Answered) => return Ended::Answered,
        Ok(JobEnd::Gone) => JobEnded { lines, ..failed(LOST) },
        Err(error) => JobEnded { lines, ..failed(&error.to_string()) },
    })
}

/// A job runs in what serves as it was placed: what the configuration says meanwhile comes with the next ship.
fn spec(ready: &ReadyJob, secrets: BTreeMap<String, Secret>) -> InstanceSpec {
    let (release, placement) = (&ready.record.release, &ready.record.placement);
    let mut env = placement.env.clone();
    for (name, value) in &release.app.env {
        // The environment's own variables stand above the app's, and those of its services below.
        if !ready.environment.env.contains_key(name) {
            env.insert(name.clone(), value.clone());
        }
    }
    InstanceSpec {
        process: format!("job-{}", ready.job.name).as_str().into(),
        release: release.id.clone(),
        rollout: ready.record.rollout.clone(),
        image: release.engine_id.clone(),
        command: ready.job.run.clone(),
        env,
        secrets,
        secret_delivery: match placement.secrets.is_empty() {
            true => SecretDelivery::Env,
            false => placement.secret_delivery,
        },
        port: None,
        resources: placement.resources,
        volumes: release.app.volumes.clone(),
        stop_grace: release.app.processes.first().map_or(GRACE, |process| process.stop_grace),
        root: match release.evidence.builder {
            BuilderKind::Wheels => RootFileSystem::ReadOnly,
            BuilderKind::Dockerfile => RootFileSystem::Writable,
        },
    }
}
