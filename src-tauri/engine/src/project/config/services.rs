//! `[services.*]`, `[health]` and `[release]`.

use std::time::Duration;

use super::build::is_image;
use super::checks::{check_label, check_variables};
use super::probes::{RulesSection, is_address};
use crate::model::{CommandLine, Ready};
use crate::project::section::{Section, quoted};
use crate::project::{Located, ProjectError};

/// `[services.NAME]`.
#[derive(Debug)]
pub(in crate::project) struct ServiceSection {
    pub image: Located<String>,
    pub command: Option<Located<CommandLine>>,
    pub env: Vec<(String, Located<String>)>,
    pub ready: Option<Located<Ready>>,
    pub within: Option<Located<Duration>>,
    pub provides: Vec<(String, Located<String>)>,
    pub data: Option<Located<String>>,
}

/// `[health]`.
#[derive(Debug, Default)]
pub(in crate::project) struct HealthSection {
    pub probe: Option<Located<ProbeKind>>,
    pub interval: Option<Located<Duration>>,
    pub timeout: Option<Located<Duration>>,
    pub successes: Option<Located<u32>>,
    pub deadline: Option<Located<Duration>>,
    pub watch_interval: Option<Located<Duration>>,
    pub rules: RulesSection,
    pub neighbours: Option<Located<Vec<String>>>,
}

/// How `[health]` says that health is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) enum ProbeKind {
    Path(String),
    Tcp,
    Command(CommandLine),
}

/// `[release]`.
#[derive(Debug, Default)]
pub(in crate::project) struct ReleaseSection {
    pub before_start: Option<Located<CommandLine>>,
    pub keep: Option<Located<u32>>,
    pub keep_bytes: Option<Located<u64>>,
}

impl ServiceSection {
    pub fn read_all(top: &Section<'_>) -> Result<Vec<(String, Self)>, ProjectError> {
        let Some(all) = top.section("services")? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in all.entries() {
            check_label(&all, &entry)?;
            found.push((entry.name.clone(), Self::read(&all.named(&entry)?)?));
        }
        Ok(found)
    }

    fn read(section: &Section<'_>) -> Result<Self, ProjectError> {
        let image = section.string("image")?;
        let command = section.command("command")?;
        let env = section.string_table("env")?;
        let (ready, within) = read_ready(section)?;
        let provides = section.string_table("provides")?;
        let data = section.string("data")?;
        section.finish()?;
        let image = image.ok_or_else(|| section.missing("image", "image = \"postgres:17\""))?;
        if !is_image(&image.value) {
            let hint = "write `image = \"postgres:17\"`".into();
            return Err(section.bad("image", &image.at, &quoted(&image.value), "it is no image reference".into(), hint));
        }
        if let Some(data) = data.as_ref().filter(|data| !data.value.starts_with('/') || data.value == "/") {
            let reason = "it is no absolute path of a folder inside the container".into();
            let hint = "write `data = \"/var/lib/postgresql/data\"`".into();
            return Err(section.bad("data", &data.at, &quoted(&data.value), reason, hint));
        }
        check_variables(&section.key("provides"), &provides)?;
        Ok(Self { image, command, env, ready, within, provides, data })
    }
}

/// When a service is ready, and in what time.
type ReadyAndTime = (Option<Located<Ready>>, Option<Located<Duration>>);

fn read_ready(section: &Section<'_>) -> Result<ReadyAndTime, ProjectError> {
    let Some(inner) = section.section("ready")? else { return Ok((None, None)) };
    let port = inner.integer("port", 1..=65535, 5432)?;
    let path = inner.string("path")?;
    let command = inner.command("command")?;
    let log = inner.string("log")?;
    let within = inner.duration("within")?;
    inner.finish()?;
    if let Some(path) = path.as_ref().filter(|path| !is_path(&path.value)) {
        let reason = "a path begins with a slash and has neither spaces nor a fragment".into();
        return Err(inner.bad("path", &path.at, &quoted(&path.value), reason, "write `path = \"/health\"`".into()));
    }
    if let Some(within) = within.as_ref().filter(|within| within.value.is_zero()) {
        return Err(inner.bad("within", &within.at, "zero", "no service is that fast".into(), "write `within = \"1m\"`".into()));
    }
    let one = match (port, path, command, log) {
        (Some(port), None, None, None) => u16::try_from(port.value).ok().map(Ready::Port),
        (Some(port), Some(path), None, None) => u16::try_from(port.value).ok().map(|port| Ready::Http { port, path: path.value }),
        (None, None, Some(command), None) => Some(Ready::Command(command.value)),
        (None, None, None, Some(log)) if !log.value.is_empty() => Some(Ready::Log(log.value)),
        (None, None, None, None) if within.is_some() => return Ok((None, within)),
        _ => None,
    };
    match one {
        Some(ready) => Ok((Some(Located::new(ready, inner.at.clone())), within)),
        None => Err(ProjectError::Contradiction {
            at: inner.at.clone(),
            message: format!("`{}` must say exactly one thing", inner.path),
            hint: "write one of `ready = { port = 5432 }`, `{ port = 9200, path = \"/\" }`, `{ command = \"…\" }`, `{ log = \"…\" }`"
                .into(),
        }),
    }
}

impl HealthSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("health")? else { return Ok(Self::default()) };
        let path = section.string("path")?;
        let tcp = section.flag("tcp")?.filter(|tcp| tcp.value);
        let command = section.command("command")?;
        let health = Self {
            probe: None,
            interval: section.duration("interval")?,
            timeout: section.duration("timeout")?,
            successes: count(&section, "successes", 1..=100, 2)?,
            deadline: section.duration("deadline")?,
            watch_interval: section.duration("watch_interval")?,
            rules: RulesSection::read(&section)?,
            neighbours: section.strings("neighbours")?,
        };
        section.finish()?;
        if let Some(neighbours) = health.neighbours.as_ref().filter(|found| found.value.iter().any(|one| !is_address(one))) {
            let hint = "write `neighbours = [\"192.0.2.1:443\"]`".into();
            let reason = "a neighbour is a host and a port".into();
            return Err(section.bad("neighbours", &neighbours.at, "the list", reason, hint));
        }
        if let Some(path) = path.as_ref().filter(|path| !is_path(&path.value)) {
            let reason = "a path begins with a slash and has neither spaces nor a fragment".into();
            return Err(section.bad("path", &path.at, &quoted(&path.value), reason, "write `path = \"/healthz\"`".into()));
        }
        for (key, found) in [
            ("interval", &health.interval),
            ("timeout", &health.timeout),
            ("deadline", &health.deadline),
            ("watch_interval", &health.watch_interval),
        ] {
            if let Some(found) = found.as_ref().filter(|found| found.value.is_zero()) {
                let hint = format!("write `{key} = \"10s\"`");
                return Err(section.bad(key, &found.at, "zero", "no probe is that fast".into(), hint));
            }
        }
        let probe = match (path, tcp, command) {
            (None, None, None) => None,
            (Some(path), None, None) => Some(Located::new(ProbeKind::Path(path.value), path.at)),
            (None, Some(tcp), None) => Some(Located::new(ProbeKind::Tcp, tcp.at)),
            (None, None, Some(command)) => Some(Located::new(ProbeKind::Command(command.value), command.at)),
            (path, tcp, command) => {
                let at = [path.map(|p| p.at), tcp.map(|t| t.at), command.map(|c| c.at)].into_iter().flatten().max();
                return Err(ProjectError::Contradiction {
                    at: at.unwrap_or_else(|| section.at.clone()),
                    message: "`health` measures in more than one way".into(),
                    hint: "keep one of `path`, `tcp` and `command`".into(),
                });
            }
        };
        Ok(Self { probe, ..health })
    }
}

/// Tells whether a text can be the target of a request (RFC 9112, section 3.2.1).
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//") && text.chars().all(|c| c.is_ascii_graphic() && !"#\"<>\\".contains(c))
}

impl ReleaseSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("release")? else { return Ok(Self::default()) };
        let release = Self {
            before_start: section.command("before_start")?,
            keep: count(&section, "keep", 0..=1000, 5)?,
            keep_bytes: section.bytes("keep_bytes")?,
        };
        section.finish()?;
        Ok(release)
    }
}

pub(super) fn count(
    section: &Section<'_>,
    key: &'static str,
    bounds: std::ops::RangeInclusive<i64>,
    usual: i64,
) -> Result<Option<Located<u32>>, ProjectError> {
    let found = section.integer(key, bounds, usual)?;
    Ok(found.and_then(|found: Located<i64>| Some(Located::<u32>::new(u32::try_from(found.value).ok()?, found.at))))
}
