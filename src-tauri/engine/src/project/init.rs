//! Writes a first `nonevent.toml`: what was inferred, with the reason beside it, and the rest as comments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table};

use super::config::{CONFIGURATION, MANIFEST, tool_table};
use super::document::Document;
use super::{Choice, Project, ProjectError, root};
use crate::model::{Origin, Setting};

/// Values that are worth a line of their own when nobody wrote them.
const WRITTEN: [&str; 5] = ["app.name", "app.command", "app.port", "build.base", "health.path"];

const HEAD: &str = "\
# How Nonevent ships this project. Every line is optional: what is not here is inferred, and
# `nonevent explain` prints each value with where it came from. All keys: docs/configuration.md.
";

const EXAMPLES: &str = "
# [gauntlet]
# integration = { run = \"pytest tests/integration\", services = [\"db\"] }

# [services.db]
# image = \"postgres:17\"
# env = { POSTGRES_PASSWORD = \"postgres\" }
# provides = { DATABASE_URL = \"postgresql://postgres:postgres@db:5432/postgres\" }

# [release]
# before_start = \"python -m shop.schema\"    # once, in the new release, before its instances start

# [environments.local]
# services = [\"db\"]                          # kept here, on a volume

# [environments.production]
# domain = \"shop.example.com\"
# replicas = 3
# secrets = [\"DATABASE_URL\"]
# after = \"local\"                            # a release must have baked there first
";

/// What [`init`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    /// The file.
    pub path: PathBuf,
    /// The keys that were added; empty when everything was there.
    pub added: Vec<String>,
}

/// Writes a commented `nonevent.toml`, or adds to the one that is there; never changes a line of it.
///
/// # Errors
/// As [`Project::open`], except that a project in which nothing to run is found gets a file with the place to say it.
/// [`ProjectError::ConfiguredInManifest`] where `pyproject.toml` holds the configuration.
pub fn init(start: &Path) -> Result<InitReport, ProjectError> {
    write(start, Project::open(start))
}

/// Like [`init`], for a project with more than one thing that could be the app.
///
/// # Errors
/// As [`init`].
pub fn init_with(start: &Path, choice: &Choice) -> Result<InitReport, ProjectError> {
    write(start, Project::open_with(start, choice))
}

fn write(start: &Path, opened: Result<Project, ProjectError>) -> Result<InitReport, ProjectError> {
    let root = root::find(start)?;
    if let Some(at) = Document::read(&root, MANIFEST)?.as_ref().map(tool_table).transpose()?.flatten()
        && Document::read(&root, CONFIGURATION)?.is_none()
    {
        return Err(ProjectError::ConfiguredInManifest { at });
    }
    let (settings, lost) = match opened {
        Ok(project) => (project.explained, None),
        Err(error @ (ProjectError::NothingToRun { .. } | ProjectError::NoServer { .. })) => (Vec::new(), Some(error)),
        Err(error) => return Err(error),
    };
    let inferred: Vec<&Setting> = WRITTEN.iter().filter_map(|key| settings.iter().find(|setting| setting.key == *key)).collect();
    // The image's own command is no command that a configuration could name.
    let inferred = inferred.into_iter().filter(|setting| !matches!(setting.origin, Origin::File { .. }) && setting.value != "[]");
    let path = root.join(CONFIGURATION);
    let text = Document::read(&root, CONFIGURATION)?.map(|document| document.text);
    let (text, added) = match text {
        Some(text) => extended(&text, inferred)?,
        None => fresh(inferred, lost.as_ref()),
    };
    if !added.is_empty() || !path.exists() {
        std::fs::write(&path, text).map_err(|error| ProjectError::unreadable(&path, &error))?;
    }
    Ok(InitReport { path, added })
}

fn reason(setting: &Setting) -> String {
    match &setting.origin {
        Origin::Inferred { because } => because.replace(['\n', '\r'], " "),
        Origin::File { .. } | Origin::Default => "the default".into(),
    }
}

fn fresh<'a>(settings: impl Iterator<Item = &'a Setting>, lost: Option<&ProjectError>) -> (String, Vec<String>) {
    let mut text = HEAD.to_owned();
    let mut added = Vec::new();
    let mut open = "";
    for setting in settings {
        let (table, key) = setting.key.split_once('.').unwrap_or(("", &setting.key));
        if table != open {
            let _ = write!(text, "\n[{table}]\n");
            open = table;
        }
        let _ = writeln!(text, "# {}\n{key} = {}", reason(setting), setting.value);
        added.push(setting.key.clone());
    }
    if let Some(lost) = lost {
        let hint = lost.hint().unwrap_or_default();
        let _ = write!(text, "\n[app]\n# {lost}\n# {hint}\n# command = [\"python\", \"-m\", \"shop\"]\n# port = 8000\n");
    }
    text.push_str(EXAMPLES);
    (text, added)
}

/// Adds keys that are not there, each at the end of its table.
fn extended<'a>(text: &str, settings: impl Iterator<Item = &'a Setting>) -> Result<(String, Vec<String>), ProjectError> {
    let unwritable = |reason: String| ProjectError::Unreadable { path: CONFIGURATION.into(), reason };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| unwritable(error.message().to_owned()))?;
    let mut added = Vec::new();
    for setting in settings {
        let (table, key) = setting.key.split_once('.').unwrap_or(("", &setting.key));
        let value: toml_edit::Value =
            setting.value.parse().map_err(|error: toml_edit::TomlError| unwritable(error.message().to_owned()))?;
        let entry = document.entry(table).or_insert_with(|| Item::Table(Table::new()));
        let Some(entries) = entry.as_table_like_mut().filter(|entries| !entries.contains_key(key)) else { continue };
        entries.insert(key, Item::Value(value));
        if let (Item::Table(table), comment) = (entry, format!("# {}\n", reason(setting)))
            && let Some(mut key) = table.key_mut(key)
        {
            key.leaf_decor_mut().set_prefix(comment);
        }
        added.push(setting.key.clone());
    }
    Ok((document.to_string(), added))
}
