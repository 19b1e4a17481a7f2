//! How environments are watched, and when people are told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Inputs;
use crate::model::{
    AppSettings, HealthCheck, HealthProbe, HttpProbe, NotifySettings, Origin, ProbeKind, ProbeSettings, ProcessKind, ProcessName,
    Threshold, WebhookKind, WebhookSettings,
};
use crate::project::Located;
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
    let mut found = Vec::new();
    for (name, probe) in written {
        let kind = configured(&probe.kind);
        let origin = Effective::at((), &probe.at).origin;
        found.push((name.as_str(), kind, origin, Some(probe)));
    }
    if written.is_empty() {
        found.extend(usual(app, health).into_iter().map(|(name, kind)| (name, kind, Origin::Default, None)));
    }
    let settings = |(name, kind, origin, probe): (&str, ProbeKind, Origin, Option<&ProbeSection>)| {
        let key = |part: &str| key(&format!("probes.{name}.{part}"));
        for (part, value) in shown(&kind) {
            explained.note(&key(&part), value, origin.clone());
        }
        with_rules(inputs, name, kind, probe, health, &key, explained)
    };
    found.into_iter().map(settings).collect()
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

fn configured(written: &WrittenProbe) -> ProbeKind {
    match written {
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
    }
}

/// What a probe asks and wants, part by part. A header may hold a password: its name is told, what it is not.
fn shown(kind: &ProbeKind) -> Vec<(String, String)> {
    match kind {
        ProbeKind::Http(http) => {
            let target = if http.target.starts_with('/') { "path" } else { "url" };
            let mut parts = vec![(target.to_owned(), http.target.shown())];
            let mut note = |part: &str, value: Option<String>| parts.extend(value.map(|value| (part.to_owned(), value)));
            note("status", (!http.status.is_empty()).then(|| statuses(&http.status)));
            note("body", http.body.as_ref().map(Shown::shown));
            note("json", http.json.as_ref().map(|(path, _)| path.shown()));
            note("equals", http.json.as_ref().and_then(|(_, wanted)| wanted.as_ref()).map(Shown::shown));
            note("latency", http.latency.as_ref().map(Shown::shown));
            note("certificate_days", http.certificate_days.as_ref().map(Shown::shown));
            note("redirects", (http.redirects > 0).then(|| http.redirects.shown()));
            parts.extend(http.headers.keys().map(|name| (format!("headers.{name}"), "…".to_owned().shown())));
            parts
        }
        ProbeKind::Tcp { address } => vec![("tcp".to_owned(), address.clone().unwrap_or_default().shown())],
        ProbeKind::Command { run, process } => {
            let process = process.as_ref().map(|process| ("process".to_owned(), process.as_str().to_owned().shown()));
            [("command".to_owned(), run.shown())].into_iter().chain(process).collect()
        }
        ProbeKind::Container { restarts } => {
            vec![("container".to_owned(), true.shown()), ("restarts".to_owned(), restarts.shown())]
        }
    }
}

/// Statuses as they are written: what follows on each other as a range.
fn statuses(all: &[u16]) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for status in all {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*status) => *last = *status,
            _ => ranges.push((*status, *status)),
        }
    }
    let shown = |(first, last): (u16, u16)| match first == last {
        true => first.shown(),
        false => format!("{first}-{last}").shown(),
    };
    format!("[{}]", ranges.into_iter().map(shown).collect::<Vec<_>>().join(", "))
}

fn with_rules(
    inputs: &Inputs<'_>,
    name: &str,
    kind: ProbeKind,
    probe: Option<&ProbeSection>,
    health: &HealthCheck,
    key: &dyn Fn(&str) -> String,
    explained: &mut Explained,
) -> ProbeSettings {
    let common = &inputs.configuration.health;
    let own = probe.map(|probe| &probe.rules);
    let rules = |of: fn(&RulesSection) -> Option<Located<Threshold>>, usual| {
        Effective::or(own.and_then(of).or_else(|| of(&common.rules)), || Effective::default(usual))
    };
    let interval = probe.and_then(|probe| probe.interval.clone()).or_else(|| common.watch_interval.clone());
    let interval = explained.take(&key("interval"), Effective::or(interval, || Effective::default(INTERVAL)));
    let timeout = probe.and_then(|probe| probe.timeout.clone());
    let jitter = own.and_then(|own| own.jitter.clone()).or_else(|| common.rules.jitter.clone());
    ProbeSettings {
        name: name.to_owned(),
        kind,
        interval,
        timeout: explained.take(&key("timeout"), Effective::or(timeout, || Effective::default(health.timeout))),
        fall: explained.take(&key("fall"), rules(|rules| rules.fall.clone(), FALL)),
        recover: explained.take(&key("recover"), rules(|rules| rules.recover.clone(), RECOVER)),
        jitter: explained
            .take(&key("jitter"), Effective::or(jitter, || Effective::default(interval / JITTER_PARTS)))
            .min(interval),
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
        let key = |part: &str| format!("notify.webhook.{name}.{part}");
        let kind = Effective::or(webhook.kind.clone(), || Effective::default(WebhookKind::Json));
        let kind = explained.take(&key("kind"), kind);
        // An address may hold a password: where it came from is told, what it is not.
        explained.note(&key("url"), "…".to_owned().shown(), webhook.url.origin());
        if let Some(secret) = &webhook.secret {
            explained.note(&key("secret"), secret.value.shown(), secret.origin());
        }
        let secret = webhook.secret.as_ref().and_then(|secret| secret.value.strip_prefix("env:")).map(str::to_owned);
        webhooks.insert(name.clone(), WebhookSettings { kind, url: webhook.url.value.clone(), secret });
    }
    (NotifySettings { desktop, quiet, webhooks }, explained)
}
