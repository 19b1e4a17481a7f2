//! The shape of `uv.lock`, version 1: a graph of packages. What it does not know of a newer revision it leaves unread.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::super::LockError;
use super::super::file::toml_reason;
use super::fresh::HINT;

/// The only version of the format that there is.
const VERSION: u64 = 1;

/// The newest revision of version 1 that was seen; a newer one only adds.
pub(super) const NEWEST_REVISION: u64 = 5;

/// The first revision that may leave out what the project asked for.
pub(super) const METADATA_OPTIONAL: u64 = 4;

/// A whole `uv.lock`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) struct UvLock {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    pub(super) revision: u64,
    pub(super) requires_python: String,
    #[serde(default)]
    pub(super) supported_markers: Vec<String>,
    #[serde(default)]
    pub(super) required_markers: Vec<String>,
    #[serde(default)]
    pub(super) conflicts: Vec<Vec<Table>>,
    #[serde(default)]
    pub(super) options: Table,
    #[serde(default)]
    pub(super) manifest: LockManifest,
    #[serde(default, rename = "package")]
    pub(super) packages: Vec<Package>,
}

/// What the workspace as a whole asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct LockManifest {
    pub(super) members: Vec<String>,
    pub(super) dependency_groups: BTreeMap<String, Vec<Wish>>,
    pub(super) constraints: Vec<Wish>,
    pub(super) overrides: Vec<Value>,
    pub(super) excludes: Vec<Value>,
    pub(super) build_constraints: Vec<Wish>,
    pub(super) dependency_metadata: Vec<Value>,
}

/// One package of the graph.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) source: Source,
    #[serde(default)]
    pub(super) resolution_markers: Vec<String>,
    #[serde(default)]
    pub(super) dependencies: Vec<Edge>,
    #[serde(default)]
    pub(super) optional_dependencies: BTreeMap<String, Vec<Edge>>,
    #[serde(default, alias = "dependency-groups")]
    pub(super) dev_dependencies: BTreeMap<String, Vec<Edge>>,
    pub(super) sdist: Option<File>,
    #[serde(default)]
    pub(super) wheels: Vec<File>,
    pub(super) metadata: Option<Metadata>,
}

/// What a local package asked for when the lock was made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Metadata {
    pub(super) requires_dist: Vec<Wish>,
    pub(super) provides_extras: Vec<String>,
    #[serde(alias = "dependency-groups")]
    pub(super) requires_dev: BTreeMap<String, Vec<Wish>>,
}

/// Where a package comes from: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    pub(super) registry: Option<String>,
    pub(super) git: Option<String>,
    pub(super) url: Option<String>,
    pub(super) subdirectory: Option<String>,
    pub(super) path: Option<String>,
    pub(super) directory: Option<String>,
    pub(super) editable: Option<String>,
    pub(super) r#virtual: Option<String>,
}

impl Source {
    /// Returns the folder of a local package, relative to the lock.
    pub(super) fn folder(&self) -> Option<&str> {
        self.editable.as_deref().or(self.r#virtual.as_deref()).or(self.directory.as_deref())
    }
}

/// A dependency of a package.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Edge {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) source: Option<Source>,
    #[serde(default)]
    pub(super) extra: Vec<String>,
    pub(super) marker: Option<String>,
}

/// A file of a package.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub(super) url: Option<String>,
    pub(super) path: Option<String>,
    pub(super) filename: Option<String>,
    pub(super) hash: Option<String>,
    pub(super) size: Option<u64>,
}

/// A requirement as it was when the lock was made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) extras: Vec<String>,
    pub(super) marker: Option<String>,
    pub(super) specifier: Option<String>,
    pub(super) index: Option<String>,
    pub(super) conflict: Option<Table>,
    #[serde(flatten)]
    pub(super) source: Source,
}

impl UvLock {
    /// Reads a lock.
    pub(in super::super) fn parse(text: &str) -> Result<Self, LockError> {
        let unreadable = |reason: String, hint: &str| LockError::Unreadable { file: "uv.lock".into(), reason, hint: hint.into() };
        let error = match toml::from_str::<Self>(text) {
            Ok(lock) if lock.version == VERSION => return Ok(lock),
            Ok(_) => None,
            Err(error) => Some(toml_reason(text, &error)),
        };
        // Only now, since reading a long lock twice takes a while: is it another version, or is it broken?
        let version = text.parse::<Table>().ok().map(|table| table.get("version").and_then(Value::as_integer));
        Err(match (version, error) {
            (Some(Some(version)), _) if u64::try_from(version) != Ok(VERSION) => unreadable(
                format!("it has version {version} of the format, only {VERSION} is known"),
                "update Nonevent, or lock with a uv that writes version 1",
            ),
            (Some(None), _) | (_, None) => unreadable("it does not say its version".into(), HINT),
            (_, Some(reason)) => unreadable(reason, HINT),
        })
    }

    /// Says what a person should know and need not act upon.
    pub(in super::super) fn notes(&self) -> Vec<String> {
        if self.revision <= NEWEST_REVISION {
            return Vec::new();
        }
        vec![format!("uv.lock has revision {}, newer than {NEWEST_REVISION}: what it adds is not read", self.revision)]
    }
}
