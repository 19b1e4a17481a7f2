//! What a project asks for: the parts of `pyproject.toml` that a lock answers to (PEP 508, 621, 735).
//!
//! Knows no lock. Reads plain tables, so that what it does not know cannot break it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pep508_rs::{ExtraName, PackageName};
use toml::{Table, Value};

use super::LockError;
use super::file;

/// One `pyproject.toml`.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub(super) path: PathBuf,
    /// Its folder.
    pub(super) dir: PathBuf,
    pub(super) table: Table,
}

impl Manifest {
    /// Reads the manifest of a folder; nothing when there is none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, LockError> {
        let path = dir.join("pyproject.toml");
        let Some(text) = file::read_text(&path)? else { return Ok(None) };
        match text.parse::<Table>() {
            Ok(table) => Ok(Some(Self { path, dir: dir.to_path_buf(), table })),
            Err(error) => Err(LockError::Manifest { reason: file::toml_reason(&text, &error), path }),
        }
    }

    /// Returns a table below, such as `&["tool", "uv"]`.
    pub(super) fn section(&self, keys: &[&str]) -> Option<&Table> {
        keys.iter().try_fold(&self.table, |table, key| table.get(*key)?.as_table())
    }

    /// Returns `[project]`.
    pub(super) fn project(&self) -> Option<&Table> {
        self.section(&["project"])
    }

    /// Returns the normalised name of the project.
    pub(super) fn name(&self) -> Option<PackageName> {
        PackageName::new(self.project()?.get("name")?.as_str()?.to_owned()).ok()
    }

    /// Returns the version, where it is written down.
    pub(super) fn version(&self) -> Option<&str> {
        self.project()?.get("version")?.as_str()
    }

    /// Returns `requires-python`.
    pub(super) fn requires_python(&self) -> Option<&str> {
        self.project()?.get("requires-python")?.as_str()
    }

    /// Tells whether the build backend, and not the manifest, decides about a field (PEP 621).
    pub(super) fn is_dynamic(&self, field: &str) -> bool {
        let dynamic = self.project().and_then(|project| project.get("dynamic")?.as_array());
        dynamic.is_some_and(|fields| fields.iter().any(|f| f.as_str() == Some(field)))
    }

    /// Returns the project's own requirements, as written.
    pub(super) fn dependencies(&self) -> Result<Vec<String>, LockError> {
        match self.project().and_then(|project| project.get("dependencies")) {
            Some(value) => self.texts(value, "project.dependencies"),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the requirements of each extra, as written.
    pub(super) fn extras(&self) -> Result<BTreeMap<ExtraName, Vec<String>>, LockError> {
        let mut extras = BTreeMap::new();
        let table = self.section(&["project", "optional-dependencies"]);
        for (name, value) in table.into_iter().flatten() {
            let place = format!("project.optional-dependencies.{name}");
            let extra = ExtraName::new(name.clone()).map_err(|error| self.broken(format!("{place}: {error}")))?;
            extras.entry(extra).or_insert_with(Vec::new).extend(self.texts(value, &place)?);
        }
        Ok(extras)
    }

    /// Returns the requirements of each dependency group, those of included groups among them (PEP 735).
    pub(super) fn groups(&self) -> Result<BTreeMap<String, Vec<String>>, LockError> {
        let mut all = BTreeMap::new();
        for (name, value) in self.section(&["dependency-groups"]).into_iter().flatten() {
            all.insert(group_name(name), value);
        }
        let mut flat = BTreeMap::new();
        for name in all.keys() {
            let mut requirements = Vec::new();
            self.flatten(name, &all, &mut Vec::new(), &mut requirements)?;
            flat.insert(name.clone(), requirements);
        }
        Ok(flat)
    }

    fn flatten<'g>(
        &self,
        name: &'g str,
        all: &'g BTreeMap<String, &'g Value>,
        open: &mut Vec<&'g str>,
        into: &mut Vec<String>,
    ) -> Result<(), LockError> {
        if open.contains(&name) {
            return Err(self.broken(format!("the dependency groups {} include each other", open.join(", "))));
        }
        let Some((key, value)) = all.get_key_value(name) else {
            return Err(self.broken(format!("the included dependency group `{name}` does not exist")));
        };
        let place = || format!("dependency-groups.{name}");
        let entries = value.as_array().ok_or_else(|| self.broken(format!("{} is no list", place())))?;
        open.push(key);
        for entry in entries {
            match (entry.as_str(), entry.get("include-group").and_then(Value::as_str)) {
                (Some(requirement), _) => into.push(requirement.to_owned()),
                (None, Some(included)) => {
                    let included = group_name(included);
                    let Some((included, _)) = all.get_key_value(&included) else {
                        return Err(self.broken(format!("{} includes `{included}`, which does not exist", place())));
                    };
                    self.flatten(included, all, open, into)?;
                }
                (None, None) => return Err(self.broken(format!("{} holds something that is no requirement", place()))),
            }
        }
        open.pop();
        Ok(())
    }

    fn texts(&self, value: &Value, place: &str) -> Result<Vec<String>, LockError> {
        let texts = value.as_array().map(|list| list.iter().map(|entry| entry.as_str().map(str::to_owned)).collect());
        match texts {
            Some(Some(texts)) => Ok(texts),
            _ => Err(self.broken(format!("{place} is no list of texts"))),
        }
    }

    /// Makes the error of a manifest that cannot be understood.
    pub(super) fn broken(&self, reason: String) -> LockError {
        LockError::Manifest { path: self.path.clone(), reason }
    }
}

/// Normalises the name of a dependency group as package names are (PEP 735).
pub(super) fn group_name(name: &str) -> String {
    ExtraName::new(name.to_owned()).map_or_else(|_| name.to_owned(), |name| name.to_string())
}
