//! How environments are watched, and when people are told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Inputs;
use crate::model::{
    AppSettings, HealthCheck, HealthProbe, HttpProbe, NotifySettings, ProbeKind, ProbeSettings, ProcessKind, ProcessName,
    Threshold, WebhookKind, WebhookSettings,
};
use crate::project::config::{EnvironmentSection, ProbeSection, RulesSection, WrittenProbe};
use crate::project::explain::{Effective, Explained, Shown};

const INTERVAL: Duration = Duration::from_secs(10);
const FALL: Threshold = Threshold { count: 3, of: 5 };
const RECOVER: Threshold = Threshold { count: 2, of: 2 };
/// Parts of the interval by which a probe is moved from its time, unless something else is said.
const JITTER_PARTS: u32 = 10;
/// Days before its end that a certificate is trouble; authorities renew theirs when a third of its time is left.
const CERTIFICATE_DAYS: u32 = 7;

/// Returns the probes of an environment: those that are written, else one as visitors see it and one of its containers.
pub(super) fn resolve(
    inputs: &Inputs<'_>,
    app: &AppSettings,
    health: &HealthCheck,
    key: &dyn Fn(&str) -> String,
    section: Option<&EnvironmentSection>,
    explained: &mut Explained,
) -> Vec<ProbeSettings> {
    let written = section.map(|section| section.probes.as_slice()).unwrap_or_default();
    if !written.is_empty() {
        return written.iter().map(|(name, probe)| configured(inputs, name, probe, health, key, explained)).collect();
    }
    usual(app, health).into_iter().map(|(name, kind)| with_rules(inputs, name, kind, None, health)).collect()
}

fn usual(app: &AppSettings, health: &HealthCheck) -> Vec<(&'static str, ProbeKind)> {
    let receives_requests = app.processes.iter().any(|process| matches!(process.kind, ProcessKind::Web { .. }));
    let seen = match &health.probe {
        HealthProbe::Http { path } if receives_requests => Some(ProbeKind::Http(HttpProbe {
            target: path.clone(),
            certificate_days: Some(CERTIFICATE_DAYS),
            ..HttpProbe::default()
        })),
        HealthProbe::Command(run) => Some(ProbeKind::Command { run: run.clone(), process: None }),
        HealthProbe::Tcp if receives_requests => Some(ProbeKind::Http(HttpProbe {
            target: "/".to_owned(),
            // No path is known that says how the app is: any answer of its own will do.
            status: (100..500).collect(),
            certificate_days: Some(CERTIFICATE_DAYS),
            ..HttpProbe::default()
        })),
        HealthProbe::Http { .. } | HealthProbe::Tcp | HealthProbe::Running => None,
    };
    let containers = ("instances", ProbeKind::Container { restarts: 0 });
    seen.map(|seen| ("app", seen)).into_iter().chain([containers]).collect()
}

fn configured(
    inputs: &Inputs<'_>,
    name: &str,
    probe: &ProbeSection,
    health: &HealthCheck,
    key: &dyn Fn(&str) -> String,
    explained: &mut Explained,
) -> ProbeSettings {
    let kind = match &probe.kind {
        WrittenProbe::Http(http) => ProbeKind::Http(HttpProbe {
            target: http.target.clone(),
            status: http.status.clone(),
            body: http.body.clone(),
            json: http.json.clone(),
            headers: http.headers.iter().cloned().collect(),
            latency: http.latency,
            certificate_days: http.certificate_days,
            redirects: http.redirects,
        }),
        WrittenProbe::Tcp(address) => ProbeKind::Tcp { address: Some(address.clone()) },
        WrittenProbe::Command { run, process } => {
            ProbeKind::Command { run: run.clone(), process: process.as_ref().map(|process| ProcessName::new(&process.value)) }
        }
        WrittenProbe::Container { restarts } => ProbeKind::Container { restarts: *restarts },
    };
    let (part, shown) = match &kind {
        ProbeKind::Http(http) if http.target.starts_with('/') => ("path", http.target.shown()),
        ProbeKind::Http(http) => ("url", http.target.shown()),
        ProbeKind::Tcp { address } => ("tcp", address.clone().unwrap_or_default().shown()),
        ProbeKind::Command { run, .. } => ("command", run.shown()),
        ProbeKind::Container { .. } => ("container", true.shown()),
    };
    explained.note(&key(&format!("probes.{name}.{part}")), shown, Effective::at((), &probe.at).origin);
    with_rules(inputs, name, kind, Some(probe), health)
}

fn with_rules(
    inputs: &Inputs<'_>,
    name: &str,
    kind: ProbeKind,
    probe: Option<&ProbeSection>,
    health: &HealthCheck,
) -> ProbeSettings {
    let common = &inputs.configuration.health;
    let own = probe.map(|probe| &probe.rules);
    let rules =
        |of: fn(&RulesSection) -> Option<Threshold>, usual| own.and_then(of).or_else(|| of(&common.rules)).unwrap_or(usual);
    let interval = probe.and_then(|probe| probe.interval.as_ref()).or(common.watch_interval.as_ref());
    let interval = interval.map_or(INTERVAL, |interval| interval.value);
    let jitter = own.and_then(|own| own.jitter.as_ref()).or(common.rules.jitter.as_ref());
    ProbeSettings {
        name: name.to_owned(),
        kind,
        interval,
        timeout: probe.and_then(|probe| probe.timeout.as_ref()).map_or(health.timeout, |timeout| timeout.value),
        fall: rules(|rules| rules.fall.as_ref().map(|fall| fall.value), FALL),
        recover: rules(|rules| rules.recover.as_ref().map(|recover| recover.value), RECOVER),
        jitter: jitter.map_or(interval / JITTER_PARTS, |jitter| jitter.value.min(interval)),
    }
}

pub(super) fn resolve_notify(inputs: &Inputs<'_>) -> (NotifySettings, Explained) {
    let configuration = &inputs.configuration.notify;
    let mut explained = Explained::default();
    let desktop = Effective::or(configuration.desktop.clone(), || Effective::default(true));
    let desktop = explained.take("notify.desktop", desktop);
    let quiet = configuration.quiet.as_ref().map(|quiet| {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let text = format!("{}-{}", clock(quiet.value.0), clock(quiet.value.1));
        explained.note("notify.quiet", text.shown(), quiet.origin());
        quiet.value
    });
    let mut webhooks = BTreeMap::new();
    for (name, webhook) in &configuration.webhooks {
        let kind = webhook.kind.as_ref().map_or(WebhookKind::Json, |kind| kind.value);
        // An address may hold a password: where it came from is told, what it is not.
        explained.note(&format!("notify.webhook.{name}.url"), "…".to_owned().shown(), webhook.url.origin());
        let secret = webhook.secret.as_ref().and_then(|secret| secret.value.strip_prefix("env:")).map(str::to_owned);
        webhooks.insert(name.clone(), WebhookSettings { kind, url: webhook.url.value.clone(), secret });
    }
    (NotifySettings { desktop, quiet, webhooks }, explained)
}
