//! How an environment moves, and when it goes back.

use std::time::Duration;

use crate::model::{AppSettings, Batch, EnvironmentSettings, Strategy, Tolerance};
use crate::project::ProjectError;
use crate::project::config::EnvironmentSection;
use crate::project::explain::{Effective, Explained, Shown};

/// Time that each step of a canary is watched.
const PAUSE: Duration = Duration::from_secs(30);

pub(super) fn resolve(
    key: &dyn Fn(&str) -> String,
    section: Option<&EnvironmentSection>,
    explained: &mut Explained,
) -> (Strategy, Duration, Tolerance) {
    let written = section.map(|section| &section.strategy);
    let strategy =
        Effective::or(written.and_then(|written| written.strategy.clone()), || Effective::default(Strategy::default()));
    explained.note(&key("strategy"), strategy.value.word().to_owned().shown(), strategy.origin.clone());
    match &strategy.value {
        Strategy::BlueGreen => {}
        Strategy::Rolling { batch } => {
            let shown = match batch {
                Batch::Instances(count) => count.shown(),
                Batch::Percent(percent) => format!("{percent}%").shown(),
            };
            explained.note(&key("batch"), shown, strategy.origin.clone());
        }
        Strategy::Canary { steps } => {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            explained.note(&key("steps"), format!("[{}]", steps.join(", ")), strategy.origin.clone());
        }
    }
    let usual = match &strategy.value {
        Strategy::Canary { .. } => PAUSE,
        Strategy::BlueGreen | Strategy::Rolling { .. } => Duration::ZERO,
    };
    let pause = Effective::or(written.and_then(|written| written.pause.clone()), || Effective::default(usual));
    let pause = explained.take(&key("pause"), pause);
    let tolerance = written.map(|written| &written.tolerance);
    let usual = Tolerance::default();
    let errors = tolerance.and_then(|tolerance| tolerance.errors.clone());
    let latency = tolerance.and_then(|tolerance| tolerance.latency.clone());
    let restarts = tolerance.and_then(|tolerance| tolerance.restarts.clone());
    let requests = tolerance.and_then(|tolerance| tolerance.requests.clone());
    let tolerance = Tolerance {
        errors: explained.take(&key("tolerance.errors"), Effective::or(errors, || Effective::default(usual.errors))),
        latency: explained.take(&key("tolerance.latency"), Effective::or(latency, || Effective::default(usual.latency))),
        restarts: explained.take(&key("tolerance.restarts"), Effective::or(restarts, || Effective::default(usual.restarts))),
        requests: explained.take(&key("tolerance.requests"), Effective::or(requests, || Effective::default(usual.requests))),
    };
    (strategy.value, pause, tolerance)
}

/// Refuses more than one instance where a volume may be had by one only.
pub(super) fn check_exclusive(
    app: &AppSettings,
    name: &str,
    section: Option<&EnvironmentSection>,
    environment: &EnvironmentSettings,
) -> Result<(), ProjectError> {
    let (Some(volume), Some(section)) = (app.volumes.iter().find(|volume| volume.exclusive), section) else { return Ok(()) };
    let placed = environment.processes.values().filter_map(|process| process.replicas).map(u32::from).sum::<u32>();
    let has_web = app.processes.iter().any(|process| matches!(process.kind, crate::model::ProcessKind::Web { .. }));
    let instances = placed + if has_web { u32::from(environment.replicas) } else { 0 };
    if instances <= 1 {
        return Ok(());
    }
    Err(ProjectError::Contradiction {
        at: section.replicas.as_ref().map_or(&section.at, |replicas| &replicas.at).clone(),
        message: format!("`{name}` has {instances} instances, and the volume `{}` is not shared", volume.name),
        hint: "keep one instance, or take `shared = false` from the volume".into(),
    })
}
