//! What an environment is, from what its target shows.

use crate::error::EngineError;
use crate::model::{EnvironmentStatus, HealthState, InstanceState};
use crate::target::{Observed, Place};

/// Returns the status of an environment that was observed.
pub fn of(place: &Place, observed: Observed) -> EnvironmentStatus {
    let health = health(&observed);
    let serving = observed.serving.as_ref().map(|side| &side.record);
    let rollout = observed.idle.as_ref().filter(|_| observed.lock.is_some()).map(|side| side.record.rollout.clone());
    EnvironmentStatus {
        project: place.project.clone(),
        environment: place.environment.clone(),
        health,
        serving: serving.map(|record| record.release.id.clone()),
        since: serving.map(|record| record.staged_at.clone()),
        url: observed.url,
        https_url: observed.https_url,
        instances: observed.instances,
        services: observed.services,
        rollout,
        held_by: observed.lock.map(|holder| format!("{}: {} (since {})", holder.owner, holder.purpose, holder.since)),
        unreachable: None,
        lacks: Vec::new(),
    }
}

/// Returns the status of an environment that could not be observed.
pub fn unreachable(place: &Place, error: &EngineError) -> EnvironmentStatus {
    EnvironmentStatus {
        project: place.project.clone(),
        environment: place.environment.clone(),
        health: HealthState::Unknown,
        serving: None,
        since: None,
        url: None,
        https_url: None,
        instances: Vec::new(),
        services: Vec::new(),
        rollout: None,
        held_by: None,
        unreachable: Some(error.problem.message.clone()),
        lacks: Vec::new(),
    }
}

fn health(observed: &Observed) -> HealthState {
    let Some(serving) = &observed.serving else { return HealthState::Empty };
    let wanted: usize = serving.record.placement.replicas.values().map(|count| usize::from(*count)).sum();
    let running = observed
        .instances
        .iter()
        .filter(|instance| instance.rollout == serving.record.rollout && instance.state == InstanceState::Running)
        .count();
    match running {
        _ if wanted == 0 => HealthState::Healthy,
        0 => HealthState::Down,
        some if some < wanted => HealthState::Degraded,
        _ => HealthState::Healthy,
    }
}
