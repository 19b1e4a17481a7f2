//! Effective values with their origins: gathered while a project is resolved, printed by `nonevent explain`.

use std::path::Path;
use std::time::Duration;

use super::place::slashed;
use super::units::{bytes_text, duration_text};
use super::{At, Located};
use crate::model::{CommandLine, Origin, Setting, Threshold, VolumeMount, WebhookKind};

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Effective<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Effective<T> {
    /// Nonevent's own choice.
    pub fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// A line of a file.
    pub fn at(value: T, at: &At) -> Self {
        Self { value, origin: Origin::File { file: at.file.to_path_buf(), line: at.line } }
    }

    /// Read from the project.
    pub fn inferred(value: T, because: impl Into<String>) -> Self {
        Self { value, origin: Origin::Inferred { because: because.into() } }
    }

    /// The configuration's value, or else another one.
    pub fn or(found: Option<Located<T>>, otherwise: impl FnOnce() -> Self) -> Self {
        found.map_or_else(otherwise, |found| Self { origin: found.origin(), value: found.value })
    }
}

/// Effective values in the order of the configuration.
#[derive(Debug, Default)]
pub(super) struct Explained(pub Vec<Setting>);

impl Explained {
    /// Notes a value and hands it on.
    pub fn take<T: Shown>(&mut self, key: &str, effective: Effective<T>) -> T {
        self.note(key, effective.value.shown(), effective.origin);
        effective.value
    }

    /// Notes a value that is shown otherwise than it is kept.
    pub fn note(&mut self, key: &str, value: String, origin: Origin) {
        self.0.push(Setting { key: key.to_owned(), value, origin });
    }

    /// Notes the entries of a table of strings.
    pub fn table(&mut self, key: &str, entries: &[(String, Located<String>)]) {
        for (name, entry) in entries {
            self.note(&format!("{key}.{}", key_text(name)), entry.value.shown(), entry.origin());
        }
    }
}

/// Writes a key as TOML does: bare where it can be.
fn key_text(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { name.to_owned() } else { name.to_owned().shown() }
}

/// Writes a value as TOML does.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes(pub u64);

impl Shown for String {
    fn shown(&self) -> String {
        toml::Value::String(self.clone()).to_string()
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> String {
        let items: Vec<_> = self.iter().map(Shown::shown).collect();
        format!("[{}]", items.join(", "))
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for f64 {
    fn shown(&self) -> String {
        toml::Value::Float(*self).to_string()
    }
}

macro_rules! shown_as_written {
    ($($number:ty),*) => { $(impl Shown for $number {
        fn shown(&self) -> String {
            self.to_string()
        }
    })* };
}
shown_as_written!(u16, u32, i64);

impl Shown for Duration {
    fn shown(&self) -> String {
        duration_text(*self).shown()
    }
}

impl Shown for Bytes {
    fn shown(&self) -> String {
        bytes_text(self.0).shown()
    }
}

impl Shown for Threshold {
    fn shown(&self) -> String {
        self.to_string().shown()
    }
}

impl Shown for WebhookKind {
    fn shown(&self) -> String {
        let word = match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Ntfy => "ntfy",
            Self::Json => "json",
        };
        word.to_owned().shown()
    }
}

impl Shown for CommandLine {
    fn shown(&self) -> String {
        match self {
            Self::Exec(arguments) => arguments.shown(),
            Self::Shell(line) => line.shown(),
        }
    }
}

impl Shown for Vec<VolumeMount> {
    fn shown(&self) -> String {
        let items: Vec<_> = self
            .iter()
            .map(|volume| match volume.exclusive {
                false => format!("{} = {}", key_text(&volume.name), volume.path.shown()),
                true => format!("{} = {{ path = {}, shared = false }}", key_text(&volume.name), volume.path.shown()),
            })
            .collect();
        if items.is_empty() { "{}".into() } else { format!("{{ {} }}", items.join(", ")) }
    }
}

/// Writes a path as a string.
pub(super) fn path_text(path: &Path) -> String {
    slashed(path).shown()
}
