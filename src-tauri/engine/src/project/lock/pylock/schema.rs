//! The shape of `pylock.toml`, version 1 (PEP 751).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Table;

use super::super::LockError;
use super::super::file::toml_reason;

/// A whole `pylock.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) struct Pylock {
    lock_version: String,
    #[serde(default)]
    pub(super) environments: Vec<String>,
    pub(super) requires_python: Option<String>,
    #[serde(default)]
    pub(super) extras: Vec<String>,
    #[serde(default)]
    pub(super) dependency_groups: Vec<String>,
    #[serde(default)]
    pub(super) default_groups: Vec<String>,
    #[serde(default)]
    pub(super) packages: Vec<Package>,
}

/// One locked package.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) marker: Option<String>,
    pub(super) requires_python: Option<String>,
    pub(super) vcs: Option<Repository>,
    pub(super) directory: Option<Directory>,
    pub(super) archive: Option<File>,
    pub(super) sdist: Option<File>,
    #[serde(default)]
    pub(super) wheels: Vec<File>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Repository {
    pub(super) url: Option<String>,
    pub(super) path: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Directory {
    pub(super) path: String,
}

/// One file; its name is told by `name`, else by the path or the URL.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) path: Option<String>,
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) hashes: BTreeMap<String, String>,
}

impl Pylock {
    /// Reads a lock.
    pub(in super::super) fn parse(text: &str) -> Result<Self, LockError> {
        let unreadable =
            |reason: String, hint: &str| LockError::Unreadable { file: "pylock.toml".into(), reason, hint: hint.into() };
        let again = "make it again with the tool that wrote it";
        let parsed = toml::from_str::<Self>(text).map_err(|error| unreadable(toml_reason(text, &error), again));
        let version = match &parsed {
            Ok(lock) => Some(lock.lock_version.clone()),
            Err(_) => text.parse::<Table>().ok().and_then(|table| Some(table.get("lock-version")?.as_str()?.to_owned())),
        };
        match version {
            Some(version) if version.split('.').next() != Some("1") => Err(unreadable(
                format!("it has version {version} of the format, only 1 is known"),
                "update Nonevent, or lock with version 1",
            )),
            _ => parsed,
        }
    }
}
