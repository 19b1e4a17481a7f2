//! `nonevent.lock`: what a project pins beside its own lock, committed next to the configuration.
//!
//! Digests of images, versions of gate tools that the project does not lock, hashes of wheels built from source. Only reads and
//! writes the file; what is pinned, and when, others decide.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::{DocumentMut, Item, Table};

use super::lock::file::replace;
use crate::model::Digest;

/// The file's name.
pub const FILE: &str = "nonevent.lock";

/// The version of the form that is read and written.
const VERSION: i64 = 1;

const HEADER: &str = "\
# Written by Nonevent, to be committed: what is pinned here is used until `nonevent lock` changes it.
";

/// What a project pins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pins {
    /// Digests by reference, such as `python:3.13-slim`.
    pub images: BTreeMap<String, Digest>,
    /// Versions by tool, such as `ruff`.
    pub tools: BTreeMap<String, String>,
    /// For each `name==version` that was built from source, the sha256 of its wheels by file name.
    pub wheels: BTreeMap<String, BTreeMap<String, Digest>>,
}

/// Whether a write changed the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Changed,
    /// It said the same before, and was left alone.
    Unchanged,
}

/// Why `nonevent.lock` cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinsError {
    /// It is broken.
    #[error("{} cannot be understood: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line where that is known.
        reason: String,
    },
    /// It was written by a newer Nonevent.
    #[error("{} has version {version}, only {VERSION} is known", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// A digest is none.
    #[error("`{digest}` of `{name}` in {} is no sha256", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// What it should pin.
        name: String,
        /// What stands there.
        digest: String,
    },
    /// The system refused.
    #[error("{} cannot be {verb}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// What the system said.
        reason: String,
    },
}

impl PinsError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Broken { .. } | Self::Digest { .. } => {
                Some(format!("take {FILE} from the last commit, or remove it and run `nonevent lock`"))
            }
            Self::Newer { .. } => Some("update Nonevent".into()),
            Self::File { .. } => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "version")]
    _version: i64,
    #[serde(default)]
    images: BTreeMap<String, String>,
    #[serde(default)]
    tools: BTreeMap<String, String>,
    #[serde(default)]
    wheels: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: i64,
}

impl Pins {
    /// Reads the pins of a project; nothing when there are none yet.
    ///
    /// # Errors
    /// The file is broken, newer than this program, or cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>, PinsError> {
        let path = root.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PinsError::File { path, verb: "read", reason: error.to_string() }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, PinsError> {
        let broken = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            PinsError::Broken { path: path.to_path_buf(), reason: format!("line {line}: {}", error.message()) }
        };
        // The version first: a newer form may hold what this one does not know.
        let VersionOnly { version } = toml::from_str(text).map_err(broken)?;
        if version > VERSION {
            return Err(PinsError::Newer { path: path.to_path_buf(), version });
        }
        if version < VERSION {
            return Err(PinsError::Broken { path: path.to_path_buf(), reason: format!("there is no version {version}") });
        }
        let form: Form = toml::from_str(text).map_err(broken)?;
        let digests = |table: BTreeMap<String, String>| {
            table.into_iter().map(|(name, digest)| checked(name, digest, path)).collect::<Result<BTreeMap<_, _>, _>>()
        };
        let wheels = form.wheels.into_iter().map(|(name, table)| Ok((name, digests(table)?)));
        Ok(Self { images: digests(form.images)?, tools: form.tools, wheels: wheels.collect::<Result<_, PinsError>>()? })
    }

    /// Writes the pins of a project: only lines that must change do, comments stay, and a reader or a crash sees either the
    /// old file or the new one.
    ///
    /// # Errors
    /// The file that is there is broken or newer, or cannot be replaced.
    pub fn write(&self, root: &Path) -> Result<Written, PinsError> {
        let path = root.join(FILE);
        let before = match Self::read(root)? {
            Some(pins) if pins == *self => return Ok(Written::Unchanged),
            Some(_) => {
                let failed =
                    |error: std::io::Error| PinsError::File { path: path.clone(), verb: "read", reason: error.to_string() };
                std::fs::read_to_string(&path).map_err(failed)?
            }
            None => HEADER.to_owned(),
        };
        let broken = |error: toml_edit::TomlError| PinsError::Broken { path: path.clone(), reason: error.message().to_owned() };
        let mut document: DocumentMut = before.parse().map_err(broken)?;
        if !document.contains_key("version") {
            document.insert("version", toml_edit::value(VERSION));
            // A document that holds nothing but comments keeps them behind everything: put them first again.
            document.set_trailing("");
            if let Some(mut key) = document.key_mut("version") {
                key.leaf_decor_mut().set_prefix(before);
            }
        }
        merge(document.as_table_mut(), "images", &texts(&self.images));
        merge(document.as_table_mut(), "tools", &self.tools);
        self.merge_wheels(document.as_table_mut());
        match replace(&path, &document.to_string()) {
            Ok(()) => Ok(Written::Changed),
            Err(error) => Err(PinsError::File { path, verb: "written", reason: error.to_string() }),
        }
    }

    fn merge_wheels(&self, root: &mut Table) {
        if self.wheels.is_empty() {
            root.remove("wheels");
            return;
        }
        let Some(wheels) = table(root, "wheels") else { return };
        wheels.set_implicit(true);
        let gone: Vec<String> =
            wheels.iter().map(|(name, _)| name.to_owned()).filter(|name| !self.wheels.contains_key(name)).collect();
        for name in gone {
            wheels.remove(&name);
        }
        for (name, files) in &self.wheels {
            merge(wheels, name, &texts(files));
        }
        wheels.sort_values();
    }
}

fn checked(name: String, digest: String, path: &Path) -> Result<(String, Digest), PinsError> {
    let is_sha256 = digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    if is_sha256 { Ok((name, Digest::new(digest))) } else { Err(PinsError::Digest { path: path.to_path_buf(), name, digest }) }
}

fn texts(digests: &BTreeMap<String, Digest>) -> BTreeMap<String, String> {
    digests.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect()
}

/// Returns the table of a name, which takes the place of whatever else stands there.
fn table<'t>(root: &'t mut Table, name: &str) -> Option<&'t mut Table> {
    let item = root.entry(name).or_insert_with(toml_edit::table);
    if !item.is_table() {
        *item = toml_edit::table();
    }
    item.as_table_mut()
}

/// Brings one table to the wanted state, entry by entry, sorted.
fn merge(root: &mut Table, name: &str, wanted: &BTreeMap<String, String>) {
    if wanted.is_empty() {
        root.remove(name);
        return;
    }
    let Some(table) = table(root, name) else { return };
    let gone: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).filter(|key| !wanted.contains_key(key)).collect();
    for key in gone {
        table.remove(&key);
    }
    for (key, value) in wanted {
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(known) if known.as_str() == Some(value) => {}
            // What stands around a value, a comment for example, stays.
            Some(known) => {
                let around = known.decor().clone();
                *known = value.into();
                *known.decor_mut() = around;
            }
            None => {
                table.insert(key, toml_edit::value(value));
            }
        }
    }
    table.sort_values();
}
