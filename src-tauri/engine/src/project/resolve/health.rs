//! `[health]` and `[release]`.

use std::time::Duration;

use super::Inputs;
use super::processes::Chosen;
use crate::model::{HealthCheck, HealthProbe, JobSettings, KeepSettings, Origin, ReleaseSettings};
use crate::project::config::{JobSection, ProbeKind, ZONE};
use crate::project::explain::{Bytes, Effective, Explained, Shown};

const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);
const SUCCESSES: u32 = 2;
const DEADLINE: Duration = Duration::from_secs(60);
const JOB_TIMEOUT: Duration = Duration::from_secs(3600);

pub(super) fn resolve(inputs: &Inputs<'_>, chosen: &Chosen<'_>) -> (HealthCheck, Explained) {
    let configuration = &inputs.configuration.health;
    let mut explained = Explained::default();
    let probe = probe(inputs, chosen, &mut explained);
    let interval = Effective::or(configuration.interval.clone(), || Effective::default(INTERVAL));
    let timeout = Effective::or(configuration.timeout.clone(), || Effective::default(TIMEOUT));
    let successes = Effective::or(configuration.successes.clone(), || Effective::default(SUCCESSES));
    let deadline = Effective::or(configuration.deadline.clone(), || Effective::default(DEADLINE));
    if let Some(neighbours) = &configuration.neighbours {
        explained.note("health.neighbours", neighbours.value.shown(), neighbours.origin());
    }
    let check = HealthCheck {
        probe,
        interval: explained.take("health.interval", interval),
        timeout: explained.take("health.timeout", timeout),
        successes: explained.take("health.successes", successes),
        deadline: explained.take("health.deadline", deadline),
    };
    (check, explained)
}

fn probe(inputs: &Inputs<'_>, chosen: &Chosen<'_>, explained: &mut Explained) -> HealthProbe {
    if let Some(configured) = &inputs.configuration.health.probe {
        let origin = configured.origin();
        return match configured.value.clone() {
            ProbeKind::Path(path) => {
                explained.note("health.path", path.shown(), origin);
                HealthProbe::Http { path }
            }
            ProbeKind::Tcp => {
                explained.note("health.tcp", true.shown(), origin);
                HealthProbe::Tcp
            }
            ProbeKind::Command(command) => {
                explained.note("health.command", command.shown(), origin);
                HealthProbe::Command(command)
            }
        };
    }
    let receives_requests = chosen.processes.iter().any(|process| process.port.is_some());
    match chosen.web.and_then(|web| web.health.as_ref()) {
        Some(route) if receives_requests => {
            let because = format!("{} `{}`", route.at, route.source);
            explained.note("health.path", route.path.shown(), Origin::Inferred { because });
            HealthProbe::Http { path: route.path.clone() }
        }
        _ if receives_requests => {
            let because = "no route such as `/healthz` was found".into();
            explained.note("health.tcp", true.shown(), Origin::Inferred { because });
            HealthProbe::Tcp
        }
        _ => {
            let because = "no process receives requests: an instance is well while its container runs".into();
            explained.note("health.tcp", false.shown(), Origin::Inferred { because });
            HealthProbe::Running
        }
    }
}

pub(super) fn resolve_release(inputs: &Inputs<'_>) -> (ReleaseSettings, Explained) {
    let configuration = &inputs.configuration.release;
    let mut explained = Explained::default();
    let before_start = configuration
        .before_start
        .clone()
        .map(|command| explained.take("release.before_start", Effective::at(command.value, &command.at)));
    let keep = Effective::or(configuration.keep.clone(), || Effective::default(KeepSettings::default().releases));
    let releases = explained.take("release.keep", keep);
    let bytes = configuration
        .keep_bytes
        .clone()
        .map(|bytes| explained.take("release.keep_bytes", Effective::at(Bytes(bytes.value), &bytes.at)).0);
    let keep = KeepSettings { releases, bytes };
    let jobs = inputs.configuration.jobs.iter().map(|(name, job)| resolve_job(name, job, &mut explained)).collect();
    (ReleaseSettings { before_start, keep, jobs }, explained)
}

fn resolve_job(name: &str, job: &JobSection, explained: &mut Explained) -> JobSettings {
    let key = |key: &str| format!("job.{name}.{key}");
    let timezone = Effective::or(job.timezone.clone(), || Effective::default(ZONE.to_owned()));
    let timeout = Effective::or(job.timeout.clone(), || Effective::default(JOB_TIMEOUT));
    JobSettings {
        name: name.to_owned(),
        schedule: explained.take(&key("schedule"), Effective::at(job.schedule.value.clone(), &job.schedule.at)),
        timezone: explained.take(&key("timezone"), timezone),
        run: explained.take(&key("run"), Effective::at(job.run.value.clone(), &job.run.at)),
        timeout: explained.take(&key("timeout"), timeout),
    }
}
