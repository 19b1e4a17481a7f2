//! `healthcheck`: when a service is ready, in Compose's words.

use std::time::Duration;

use super::service::Notes;
use crate::model::{CommandLine, Ready};
use crate::project::units;
use crate::project::yaml::{Node, Value};

/// What a health check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HealthCheck {
    /// Line of the test, from 1.
    pub line: u32,
    /// None where the check is switched off.
    pub ready: Option<Ready>,
    /// Whether it is switched off, the image's own included.
    pub disabled: bool,
    /// The time after which Compose would give up.
    pub within: Option<Duration>,
}

/// Docker's own numbers for what is not said.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;

const KEYS: [&str; 7] = ["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"];

/// Reads it: `CMD`, `CMD-SHELL`, `NONE`, a string, or `disable`.
pub(super) fn read(node: &Node, notes: &mut Notes<'_>) -> HealthCheck {
    for (key, _) in node.entries() {
        if !KEYS.contains(&key.name.as_str()) && !key.name.starts_with("x-") {
            notes.add(key.line, format!("`healthcheck.{}`", key.name));
        }
    }
    let test = node.get("test");
    let words: Vec<String> = test.map(|test| test.items().iter().filter_map(Node::scalar).collect()).unwrap_or_default();
    let flag =
        node.get("disable").is_some_and(|disable| matches!(&disable.value, Value::Flag(true)) || disable.text() == Some("true"));
    let disabled = flag || words.first().is_some_and(|word| word == "NONE");
    let ready = match (test.map(|test| &test.value), words.split_first()) {
        _ if disabled => None,
        (Some(Value::Text(line)), _) if !line.trim().is_empty() => Some(CommandLine::Shell(line.trim().to_owned())),
        (_, Some((kind, arguments))) if kind == "CMD" && !arguments.is_empty() => Some(CommandLine::Exec(arguments.to_vec())),
        (_, Some((kind, [line]))) if kind == "CMD-SHELL" => Some(CommandLine::Shell(line.clone())),
        (None, _) => None,
        (Some(_), _) => {
            notes.add(test.map_or(node.line, |test| test.line), "this `healthcheck.test`".to_owned());
            None
        }
    };
    HealthCheck {
        line: test.map_or(node.line, |test| test.line),
        ready: ready.map(Ready::Command),
        disabled,
        within: within(node, notes),
    }
}

/// As long as Compose would wait, where that is said.
fn within(node: &Node, notes: &mut Notes<'_>) -> Option<Duration> {
    let mut time = |key: &str| {
        let text = node.get(key)?.scalar()?;
        match units::duration(&text) {
            Ok(duration) => Some(duration),
            Err(_) => {
                notes.add(node.get(key).map_or(node.line, |node| node.line), format!("the time `{text}` of `healthcheck.{key}`"));
                None
            }
        }
    };
    let (interval, timeout, start) = (time("interval"), time("timeout"), time("start_period"));
    let retries = node.get("retries").and_then(Node::scalar).and_then(|text| text.parse::<u32>().ok());
    if interval.is_none() && retries.is_none() && start.is_none() {
        return None;
    }
    let once = interval.unwrap_or(INTERVAL) + timeout.unwrap_or(TIMEOUT);
    Some(once.saturating_mul(retries.unwrap_or(RETRIES).max(1)) + start.unwrap_or_default())
}
