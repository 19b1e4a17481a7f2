//! Probes instances: until they are healthy, or for as long as a release bakes.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use crate::event::EventBody;
use crate::model::{HealthCheck, Instance, InstanceState, LogLine, ProbeAttempt};
use crate::pipeline::Context;
use crate::target::{Follow, LogQuery, Place, Target, TargetError};

use super::RolloutError;

/// Probes of one instance that are kept as evidence.
const TRANSCRIPT: usize = 5;
/// Last lines of an instance that are kept as evidence.
const TAIL: u32 = 20;
/// Restarts after which an instance that never was healthy will not become so.
const RESTARTS: u32 = 3;
/// Failures in a row that end a bake.
const BAKE_FAILURES: u32 = 3;

/// An instance, and how its health is measured.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub instance: Instance,
    pub check: HealthCheck,
}

/// An instance that was found failing, with the evidence.
#[derive(Debug)]
pub(super) struct Failing {
    pub instance: String,
    pub state: Option<InstanceState>,
    pub transcript: Vec<ProbeAttempt>,
    pub tail: Vec<LogLine>,
}

/// Waits until every instance is healthy.
pub(super) async fn until_healthy(
    context: &Context,
    target: &dyn Target,
    place: &Place,
    domain: &str,
    watched: &[Watched],
) -> Result<(), AwaitError> {
    try_join_all(watched.iter().map(|one| one_until_healthy(context, target, place, domain, one))).await?;
    Ok(())
}

/// Why waiting ended badly.
#[derive(Debug)]
pub(super) enum AwaitError {
    Failing(Box<Failing>),
    Rollout(RolloutError),
}

impl From<TargetError> for AwaitError {
    fn from(error: TargetError) -> Self {
        Self::Rollout(error.into())
    }
}

async fn one_until_healthy(
    context: &Context,
    target: &dyn Target,
    place: &Place,
    domain: &str,
    watched: &Watched,
) -> Result<(), AwaitError> {
    let Watched { instance, check } = watched;
    let deadline = Instant::now() + check.deadline;
    let mut transcript = VecDeque::with_capacity(TRANSCRIPT);
    let (mut in_a_row, mut attempts) = (0, 0);
    loop {
        let attempt = target.probe(place, instance, check, domain).await?;
        let passed = attempt.outcome.passed();
        if transcript.len() == TRANSCRIPT {
            transcript.pop_front();
        }
        transcript.push_back(attempt.clone());
        context.emit(EventBody::ProbeMade(attempt)).await.map_err(|error| AwaitError::Rollout(error.into()))?;
        in_a_row = if passed { in_a_row + 1 } else { 0 };
        if in_a_row >= check.successes {
            return Ok(());
        }
        if !passed {
            let state = state_of(target, place, instance).await?;
            if Instant::now() >= deadline || is_hopeless(state.as_ref()) {
                return Err(AwaitError::Failing(Box::new(evidence(target, place, instance, state, transcript).await)));
            }
        }
        attempts += 1;
        tokio::time::sleep(pause(check.interval, attempts)).await;
    }
}

/// Time between two probes of an instance that is not healthy yet: short at first, so that an app which starts in a blink is not waited for,
/// and never as long as the interval at which a healthy one is watched may be.
fn pause(interval: Duration, attempts: u32) -> Duration {
    let most = if attempts < 20 { Duration::from_millis(100) } else { Duration::from_secs(1) };
    interval.min(most)
}

fn is_hopeless(state: Option<&Instance>) -> bool {
    match state {
        None => true,
        Some(instance) => matches!(instance.state, InstanceState::Exited { .. }) || instance.restarts >= RESTARTS,
    }
}

async fn state_of(target: &dyn Target, place: &Place, instance: &Instance) -> Result<Option<Instance>, TargetError> {
    let observed = target.observe(place).await?;
    Ok(observed.instances.into_iter().find(|other| other.id == instance.id))
}

async fn evidence(
    target: &dyn Target,
    place: &Place,
    instance: &Instance,
    state: Option<Instance>,
    transcript: VecDeque<ProbeAttempt>,
) -> Failing {
    Failing {
        instance: instance.name.clone(),
        state: state.map(|instance| instance.state),
        transcript: transcript.into(),
        tail: tail(target, place, instance).await,
    }
}

/// Reads an instance's last lines; none when they cannot be had, since they only explain.
async fn tail(target: &dyn Target, place: &Place, instance: &Instance) -> Vec<LogLine> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(TAIL as usize * 2);
    let query = LogQuery { instance: Some(instance.id.clone()), tail: Some(TAIL), follow: Follow::Stop };
    let read = async {
        let result = target.logs(place, &query, &sender).await;
        drop(sender);
        result
    };
    let collect = async {
        let mut lines = VecDeque::new();
        while let Some(line) = receiver.recv().await {
            if lines.len() == TAIL as usize {
                lines.pop_front();
            }
            lines.push_back(line);
        }
        Vec::from(lines)
    };
    let (result, lines) = tokio::join!(read, collect);
    if let Err(error) = result {
        tracing::debug!(%error, "the last lines of an instance could not be read");
    }
    lines
}

/// Watches instances for a time; returns the first that fails several probes in a row.
pub(super) async fn bake(
    target: &dyn Target,
    place: &Place,
    domain: &str,
    watched: &[Watched],
    time: Duration,
) -> Result<Option<Failing>, TargetError> {
    let end = Instant::now() + time;
    let mut failures = vec![(0_u32, VecDeque::new()); watched.len()];
    while Instant::now() < end {
        for (one, (in_a_row, transcript)) in watched.iter().zip(&mut failures) {
            let attempt = target.probe(place, &one.instance, &one.check, domain).await?;
            if attempt.outcome.passed() {
                *in_a_row = 0;
                transcript.clear();
                continue;
            }
            *in_a_row += 1;
            transcript.push_back(attempt);
            if *in_a_row >= BAKE_FAILURES {
                let state = state_of(target, place, &one.instance).await?;
                return Ok(Some(evidence(target, place, &one.instance, state, std::mem::take(transcript)).await));
            }
        }
        let interval = watched.iter().map(|one| one.check.interval).min().unwrap_or(time);
        tokio::time::sleep_until(end.min(Instant::now() + interval)).await;
    }
    Ok(None)
}
