//! Jobs: one container for each, under a fixed name, so that the engine itself keeps two runs apart.

use std::collections::HashMap;

use bollard::models::ContainerSummary;
use bollard::query_parameters::WaitContainerOptions;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::DockerTarget;
use super::instance::OnceSeat;
use super::lock::label_of;
use super::scope::{Role, label};
use crate::target::{InstanceSpec, JobEnd, JobOrder, LineSink, OnceExit, Place, TargetError};

impl DockerTarget {
    pub(super) async fn run_job_to_end(
        &self,
        place: &Place,
        order: JobOrder<'_>,
        lines: &LineSink,
        stop: &CancellationToken,
    ) -> Result<JobEnd, TargetError> {
        if let (Some(due), Some(_)) = (order.due, order.spec)
            && !self.take_time(place, order.job, due.as_second()).await?
        {
            return Ok(JobEnd::Answered);
        }
        let name = self.options.scope.job(place, order.job);
        let id = match (self.found_job(&name, order.run).await?, order.spec) {
            (Found::Own(id), _) => id,
            (Found::Running, _) => return Ok(JobEnd::Overlaps),
            (Found::Nothing, None) => return Ok(JobEnd::Gone),
            (Found::Ended(_), None) => return Ok(JobEnd::Gone),
            (Found::Ended(old), Some(spec)) => {
                self.discard(&old, &name).await?;
                match self.begin_job(place, &name, order.run, spec).await? {
                    Some(id) => id,
                    None => return Ok(JobEnd::Overlaps),
                }
            }
            (Found::Nothing, Some(spec)) => match self.begin_job(place, &name, order.run, spec).await? {
                Some(id) => id,
                None => return Ok(JobEnd::Overlaps),
            },
        };
        let ended = async {
            let followed = self.follow_to_end(&id, &name, lines).await;
            let mut waiting = Box::pin(self.api.client.wait_container(&id, None::<WaitContainerOptions>));
            while waiting.next().await.is_some() {}
            followed
        };
        tokio::pin!(ended);
        let followed = tokio::select! {
            followed = &mut ended => followed,
            () = stop.cancelled() => {
                self.stop(&id, &name).await?;
                ended.await
            }
        };
        let state = self.api.inspect(&id).await?.and_then(|container| container.state).unwrap_or_default();
        self.discard(&id, &name).await?;
        followed?;
        let exit = OnceExit { exit_code: state.exit_code.unwrap_or(-1), oom: state.oom_killed.unwrap_or_default() };
        Ok(JobEnd::Ended(exit))
    }

    /// Takes a time of a job's schedule for whoever comes first; false when it was taken, or a later one was. What holds it is a container
    /// that is created and never started: an engine gives a name to one only.
    async fn take_time(&self, place: &Place, job: &str, due: i64) -> Result<bool, TargetError> {
        let mut labels = self.api.labels(Role::JobTime, Some(place));
        labels.insert(label::JOB.to_owned(), job.to_owned());
        let taken = self.api.containers(labels.iter().map(|(name, value)| format!("{name}={value}")).collect()).await?;
        let time_of = |container: &ContainerSummary| container.labels.as_ref()?.get(label::JOB_TIME)?.parse::<i64>().ok();
        // What a laptop whose clock is ahead took says nothing about the times that come.
        let real = ..=self.engine_time().await?.as_second() + AHEAD;
        if taken.iter().filter_map(time_of).any(|time| time >= due && real.contains(&time)) {
            return Ok(false);
        }
        labels.insert(label::JOB_TIME.to_owned(), due.to_string());
        if !self.create_named(&self.options.scope.job_time(place, job, due), self.inert(labels)).await? {
            return Ok(false);
        }
        for id in taken.into_iter().filter_map(|container| container.id) {
            self.api.remove(&id).await?;
        }
        Ok(true)
    }

    /// Begins a run; none when another process was quicker.
    async fn begin_job(&self, place: &Place, name: &str, run: &str, spec: &InstanceSpec) -> Result<Option<String>, TargetError> {
        let labels = HashMap::from([(label::JOB_RUN.to_owned(), run.to_owned())]);
        let begun = self.start_once(place, spec, OnceSeat { name: name.to_owned(), role: Role::Job, labels }).await;
        match begun {
            Ok(id) => Ok(Some(id)),
            Err(error) => match self.found_job(name, run).await? {
                Found::Running => Ok(None),
                _ => Err(error),
            },
        }
    }

    async fn found_job(&self, name: &str, run: &str) -> Result<Found, TargetError> {
        let Some(container) = self.api.inspect(name).await? else { return Ok(Found::Nothing) };
        let Some(id) = container.id.clone() else { return Ok(Found::Nothing) };
        if label_of(&container, label::JOB_RUN).as_deref() == Some(run) {
            return Ok(Found::Own(id));
        }
        let state = container.state.unwrap_or_default();
        // One that was only created is another process's that starts it right now, unless that died: then it has no beginning, and the
        // engine's next look at it finds it as old as that.
        let begins = state.status == Some(bollard::models::ContainerStateStatusEnum::CREATED) && is_fresh(container.created);
        match state.running.unwrap_or_default() || begins {
            true => Ok(Found::Running),
            false => Ok(Found::Ended(id)),
        }
    }
}

/// Seconds by which a laptop's clock may be ahead of the engine's, and be believed.
const AHEAD: i64 = 3600;

/// What is found under a job's name.
enum Found {
    Nothing,
    /// The container of this very run.
    Own(String),
    /// Another run's, which goes on.
    Running,
    /// Another run's, which nobody took away.
    Ended(String),
}

/// Seconds in which a created container is started by whoever made it.
const STARTS_WITHIN: i64 = 60;

fn is_fresh(created: Option<bollard::models::BollardDate>) -> bool {
    created.is_some_and(|at| jiff::Timestamp::now().as_second() - at.unix_timestamp() < STARTS_WITHIN)
}
