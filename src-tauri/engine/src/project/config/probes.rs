//! `[environments.NAME.probes.PROBE]`: how what serves is watched.

use std::time::Duration;

use toml::de::DeValue;

use super::checks::check_label;
use super::services::{count, is_path};
use crate::model::{CommandLine, Threshold};
use crate::project::section::{Section, quoted};
use crate::project::{At, Located, ProjectError};

/// One probe as it was written.
#[derive(Debug)]
pub(in crate::project) struct ProbeSection {
    pub at: At,
    pub kind: WrittenProbe,
    pub interval: Option<Located<Duration>>,
    pub timeout: Option<Located<Duration>>,
    pub rules: RulesSection,
}

/// `fall`, `recover` and `jitter`, of `[health]` or of one probe.
#[derive(Debug, Default)]
pub(in crate::project) struct RulesSection {
    pub fall: Option<Located<Threshold>>,
    pub recover: Option<Located<Threshold>>,
    pub jitter: Option<Located<Duration>>,
}

/// What a probe measures.
#[derive(Debug)]
pub(in crate::project) enum WrittenProbe {
    Http(Box<HttpSection>),
    Tcp(String),
    Command { run: CommandLine, process: Option<Located<String>> },
    Container { restarts: u32 },
}

/// A request, and what its answer must be.
#[derive(Debug)]
pub(in crate::project) struct HttpSection {
    pub target: String,
    pub status: Vec<u16>,
    pub body: Option<String>,
    pub json: Option<(String, Option<String>)>,
    pub headers: Vec<(String, String)>,
    pub latency: Option<Duration>,
    pub certificate_days: Option<u32>,
    pub redirects: u32,
}

impl RulesSection {
    pub fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        Ok(Self {
            fall: threshold(section, "fall", "3 of 5")?,
            recover: threshold(section, "recover", "2 of 2")?,
            jitter: section.duration("jitter")?,
        })
    }
}

impl ProbeSection {
    pub fn read_all(environment: &Section<'_>) -> Result<Vec<(String, Self)>, ProjectError> {
        let Some(all) = environment.section("probes")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            let section = all.named(&entry)?;
            let probe = Self {
                at: section.at.clone(),
                kind: read_kind(&section)?,
                interval: section.duration("interval")?,
                timeout: section.duration("timeout")?,
                rules: RulesSection::read(&section)?,
            };
            section.finish()?;
            for (key, found) in [("interval", &probe.interval), ("timeout", &probe.timeout)] {
                if let Some(found) = found.as_ref().filter(|found| found.value < Duration::from_millis(100)) {
                    let hint = format!("write `{key} = \"10s\"`");
                    return Err(section.bad(key, &found.at, "less than 100 ms", "no probe is that fast".into(), hint));
                }
            }
            found.push((entry.name, probe));
        }
        Ok(found)
    }
}

fn read_kind(section: &Section<'_>) -> Result<WrittenProbe, ProjectError> {
    let (path, url) = (section.string("path")?, section.string("url")?);
    let tcp = section.string("tcp")?;
    let command = section.command("command")?;
    let container = section.flag("container")?.filter(|container| container.value);
    let process = section.string("process")?;
    let restarts = count(section, "restarts", 0..=1000, 0)?.map_or(0, |restarts| restarts.value);
    let http = read_http(section)?;
    if let Some(path) = path.as_ref().filter(|path| !is_path(&path.value)) {
        let reason = "a path begins with a slash and has neither spaces nor a fragment".into();
        return Err(section.bad("path", &path.at, &quoted(&path.value), reason, "write `path = \"/healthz\"`".into()));
    }
    if let Some(url) = url.as_ref().filter(|url| !is_url(&url.value)) {
        let hint = "write `url = \"https://shop.example.com/healthz\"`".into();
        return Err(section.bad("url", &url.at, &quoted(&url.value), "it is no `http` or `https` URL".into(), hint));
    }
    if let Some(tcp) = tcp.as_ref().filter(|tcp| !is_address(&tcp.value)) {
        let hint = "write `tcp = \"db.example.com:5432\"`".into();
        return Err(section.bad("tcp", &tcp.at, &quoted(&tcp.value), "it is no host and port".into(), hint));
    }
    match (path.or(url.clone()), tcp, command, container) {
        (Some(target), None, None, None) if url.is_none_or(|url| url.value == target.value) => {
            only(section, "a request", OF_HTTP)?;
            Ok(WrittenProbe::Http(Box::new(HttpSection { target: target.value, ..http })))
        }
        (None, Some(tcp), None, None) => {
            only(section, "a port", &[])?;
            Ok(WrittenProbe::Tcp(tcp.value))
        }
        (None, None, Some(run), None) => {
            only(section, "a command", &["process"])?;
            Ok(WrittenProbe::Command { run: run.value, process })
        }
        (None, None, None, Some(_)) => {
            only(section, "containers", &["restarts"])?;
            Ok(WrittenProbe::Container { restarts })
        }
        _ => Err(ProjectError::Contradiction {
            at: section.at.clone(),
            message: format!("`{}` must measure exactly one thing", section.path),
            hint: "write one of `path = \"/healthz\"`, `url = \"https://…\"`, `tcp = \"host:port\"`, `command = \"…\"`, `container = true`"
                .into(),
        }),
    }
}

const OF_HTTP: &[&str] = &["status", "body", "json", "equals", "headers", "latency", "certificate_days", "redirects"];

/// Refuses what says nothing about what is measured.
fn only(section: &Section<'_>, what: &str, allowed: &[&str]) -> Result<(), ProjectError> {
    for key in OF_HTTP.iter().chain(&["process", "restarts"]).filter(|key| !allowed.contains(key)) {
        if let Some((at, _)) = section.any(key) {
            let message = format!("`{}` says nothing about {what}, which is what this probe measures", section.key(key));
            return Err(ProjectError::Contradiction { at, message, hint: "leave it out, or give it a probe of its own".into() });
        }
    }
    Ok(())
}

fn read_http(section: &Section<'_>) -> Result<HttpSection, ProjectError> {
    let json = section.string("json")?;
    let equals = section.string("equals")?;
    if let Some(json) = &json
        && let Err(error) = serde_json_path::JsonPath::parse(&json.value)
    {
        let hint = "write `json = \"$.status\"`".into();
        return Err(section.bad("json", &json.at, &quoted(&json.value), format!("it is no JSON path: {error}"), hint));
    }
    if let (None, Some(equals)) = (&json, &equals) {
        let message = format!("`{}` stands without a path", section.key("equals"));
        let hint = "write `json = \"$.status\"` beside it".into();
        return Err(ProjectError::Contradiction { at: equals.at.clone(), message, hint });
    }
    let headers = section.string_table("headers")?;
    for (name, value) in &headers {
        let sound = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
            && reqwest::header::HeaderValue::from_str(&value.value).is_ok();
        if !sound {
            let hint = "write `headers = { Accept = \"application/json\" }`".into();
            return Err(section.bad("headers", &value.at, &quoted(name), "it is no header of a request".into(), hint));
        }
    }
    Ok(HttpSection {
        target: String::new(),
        status: read_status(section)?,
        body: section.string("body")?.map(|body| body.value),
        json: json.map(|json| (json.value, equals.map(|equals| equals.value))),
        headers: headers.into_iter().map(|(name, value)| (name, value.value)).collect(),
        latency: section.duration("latency")?.map(|latency| latency.value),
        certificate_days: count(section, "certificate_days", 0..=3650, 14)?.map(|days| days.value),
        redirects: count(section, "redirects", 0..=20, 3)?.map_or(0, |redirects| redirects.value),
    })
}

/// Reads `status = 200`, `status = "200-299"` or `status = ["200-299", 404]`.
fn read_status(section: &Section<'_>) -> Result<Vec<u16>, ProjectError> {
    const EXAMPLE: &str = "status = [\"200-299\", 404]";
    let Some((at, value)) = section.any("status") else { return Ok(Vec::new()) };
    let some = |value: &DeValue<'_>| {
        let (first, last) = match value {
            DeValue::String(text) => {
                let (first, last) = text.split_once('-')?;
                (first.parse::<u16>().ok()?, last.parse().ok()?)
            }
            other => {
                let number = other.as_integer()?;
                let status = u16::from_str_radix(number.as_str(), number.radix()).ok()?;
                (status, status)
            }
        };
        (100 <= first && first <= last && last <= 599).then_some(first..=last)
    };
    let found = match value {
        DeValue::Array(items) => items.iter().map(|item| some(item.get_ref())).collect::<Option<Vec<_>>>(),
        single => some(single).map(|one| vec![one]),
    };
    let found = found.map(|ranges| ranges.into_iter().flatten().collect());
    found.ok_or_else(|| section.wrong("status", at, "a status from 100 to 599, a range, or a list of them", value, EXAMPLE))
}

/// Reads `fall = "3 of 5"`.
fn threshold(section: &Section<'_>, key: &'static str, usual: &str) -> Result<Option<Located<Threshold>>, ProjectError> {
    let Some(found) = section.string(key)? else { return Ok(None) };
    let numbers =
        found.value.split_once(" of ").and_then(|(count, of)| Some((count.trim().parse().ok()?, of.trim().parse().ok()?)));
    match numbers.filter(|(count, of): &(u32, u32)| *count >= 1 && count <= of && *of <= 100) {
        Some((count, of)) => Ok(Some(Located::new(Threshold { count, of }, found.at))),
        None => {
            let reason = "it is so many of the last so many, at most 100".into();
            Err(section.bad(key, &found.at, &quoted(&found.value), reason, format!("write `{key} = \"{usual}\"`")))
        }
    }
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Tells whether a text is `host:port`.
pub(super) fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}
