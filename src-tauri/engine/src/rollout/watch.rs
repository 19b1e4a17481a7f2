//! Probes instances until they are healthy, and examines those that are not.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use crate::diagnosis::{Symptoms, diagnose};
use crate::event::EventBody;
use crate::model::{
    Diagnosis, HealthCheck, HealthProbe, Instance, InstanceState, LogLine, ProbeAttempt, Process, ProcessKind, Release,
};
use crate::pipeline::Context;
use crate::target::{Examination, Place, Target, TargetError};

use super::RolloutError;
use super::scene::Scene;

/// Probes of one instance that are kept as evidence.
pub(super) const TRANSCRIPT: usize = 5;
/// Last lines of an instance that are kept as evidence.
pub(super) const TAIL: usize = 20;
/// Restarts after which an instance that never was healthy will not become so.
const RESTARTS: u32 = 3;

/// An instance, and how its health is measured.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub instance: Instance,
    pub check: HealthCheck,
}

/// Returns how the health of an instance of a release is measured.
pub(super) fn check_of(release: &Release, instance: &Instance) -> HealthCheck {
    let is_web = |process: &&Process| matches!(process.kind, ProcessKind::Web { .. });
    let web = release.app.processes.iter().find(is_web);
    match web.is_some_and(|web| web.name == instance.process) {
        true => release.health.clone(),
        false => HealthCheck { probe: HealthProbe::Running, ..release.health.clone() },
    }
}

/// An instance that was found failing, with the evidence.
#[derive(Debug)]
pub(super) struct Failing {
    pub instance: String,
    pub state: Option<InstanceState>,
    pub transcript: Vec<ProbeAttempt>,
    pub tail: Vec<LogLine>,
    /// Why it fails, as far as that can be told.
    pub diagnosis: Diagnosis,
}

/// Waits until every instance is healthy.
pub(super) async fn until_healthy(
    context: &Context,
    target: &dyn Target,
    place: &Place,
    scene: &Scene<'_>,
    watched: &[Watched],
) -> Result<(), AwaitError> {
    try_join_all(watched.iter().map(|one| one_until_healthy(context, target, place, scene, one))).await?;
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
    scene: &Scene<'_>,
    watched: &Watched,
) -> Result<(), AwaitError> {
    let Watched { instance, check } = watched;
    let began = Instant::now();
    let deadline = began + check.deadline;
    let mut transcript = VecDeque::with_capacity(TRANSCRIPT);
    let (mut in_a_row, mut attempts) = (0, 0);
    loop {
        let attempt = target.probe(place, instance, check, scene.domain).await?;
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
                let failing = evidence(target, place, watched, state, transcript, scene, began.elapsed()).await;
                return Err(AwaitError::Failing(Box::new(failing)));
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

pub(super) async fn state_of(target: &dyn Target, place: &Place, instance: &Instance) -> Result<Option<Instance>, TargetError> {
    // Asked again and again while an app starts: what serves is not asked for with it, that would take from the app's time.
    Ok(target.instances(place).await?.into_iter().find(|other| other.id == instance.id))
}

/// Examines a failing instance while it is still there, and finds out why it fails.
pub(super) async fn evidence(
    target: &dyn Target,
    place: &Place,
    watched: &Watched,
    state: Option<Instance>,
    transcript: VecDeque<ProbeAttempt>,
    scene: &Scene<'_>,
    waited: Duration,
) -> Failing {
    let instance = &watched.instance;
    let mut examined = match target.examine(place, &instance.id).await {
        Ok(examined) => examined,
        Err(error) => {
            tracing::debug!(%error, "an instance could not be examined");
            Examination::default()
        }
    };
    let mut transcript = Vec::from(transcript);
    scene.hide_secrets(&mut examined.lines, &mut transcript);
    let tail = examined.lines.get(examined.lines.len().saturating_sub(TAIL)..).unwrap_or_default().to_vec();
    let diagnosis = diagnose(&Symptoms {
        instance: instance.name.clone(),
        domain: scene.domain.to_owned(),
        probe: Some(watched.check.probe.clone()),
        transcript: transcript.clone(),
        waited,
        examined,
        framework: Some(scene.framework),
        source: scene.facts().await,
    });
    Failing { instance: instance.name.clone(), state: state.map(|instance| instance.state), transcript, tail, diagnosis }
}
