//! A compose file's services, as far as gates can be given them: real ones beside the app, with fresh data.
//!
//! Follows the Compose specification. What is not understood becomes a note with its line, and a service that cannot be had keeps the
//! reason why; nothing is left out silently but what means nothing beside a gate (`ports`, `restart`, …: see `service`). Reads files
//! only; `resolve` decides what becomes of the services.

mod depends;
mod files;
mod healthcheck;
mod interpolate;
mod service;
mod variables;
mod volumes;

use std::path::{Path, PathBuf};

pub(super) use depends::Moment;
pub(super) use service::ComposeService;
pub(super) use variables::Variables;

use super::place::slashed;
use super::yaml::{self, Node, Value};
use super::{At, Located, ProjectError};
use service::Reader;

/// Where Compose looks, in the order in which it takes the first.
const FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Files that Compose lays over the others by itself, and that are not read here.
const OVERRIDES: [&str; 4] =
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"];

/// Keys at the top that say something about services which are read.
const TOP: [&str; 7] = ["name", "version", "services", "volumes", "networks", "secrets", "configs"];

/// A compose file, read.
#[derive(Debug, Default)]
pub(super) struct Compose {
    /// The file, relative to the project.
    pub file: PathBuf,
    /// Every service that is not the app.
    pub services: Vec<ComposeService>,
    /// Services that run the project's own image.
    pub apps: Vec<ComposeService>,
    /// What is not understood beside the services.
    pub notes: Vec<Located<String>>,
}

impl Compose {
    /// Reads the compose file of a project: the one that is named, else the first usual one; none when there is none.
    pub fn read(root: &Path, named: Option<&Path>, variables: &Variables<'_>) -> Result<Option<Self>, ProjectError> {
        let usual = || FILES.iter().map(PathBuf::from).find(|file| root.join(file).is_file());
        let Some(file) = named.map(Path::to_owned).or_else(usual) else { return Ok(None) };
        let Some(tree) = yaml::read(root, &file)? else {
            return Err(ProjectError::Unreadable { path: file, reason: "there is no such file".to_owned() });
        };
        let mut compose = Self { file, ..Self::default() };
        compose.take(root, &tree, variables);
        if named.is_none()
            && let Some(over) = OVERRIDES.iter().find(|over| root.join(over).is_file())
        {
            compose.note(1, format!("`{over}` beside it is not read"));
        }
        Ok(Some(compose))
    }

    fn at(&self, line: u32) -> At {
        At::new(self.file.as_path(), line)
    }

    fn note(&mut self, line: u32, text: String) {
        let at = self.at(line);
        self.notes.push(Located::new(text, at));
    }

    fn take(&mut self, root: &Path, tree: &Node, variables: &Variables<'_>) {
        for (key, _) in tree.entries() {
            if !TOP.contains(&key.name.as_str()) && !key.name.starts_with("x-") {
                self.note(key.line, format!("`{}` is not understood", key.name));
            }
        }
        let Some(services) = tree.get("services") else { return };
        if !matches!(services.value, Value::Table(_) | Value::Null) {
            self.note(services.line, format!("`services` is {}, not a table", services.described()));
        }
        let base = self.file.parent().unwrap_or(Path::new("")).to_owned();
        let reader = Reader { root, base: &base, file: &self.file, top: tree, variables };
        let mut found: Vec<ComposeService> = services.entries().iter().map(|(key, node)| reader.service(key, node)).collect();
        // What runs the image that the project is built into is the project too.
        let images: Vec<String> =
            found.iter().filter(|service| service.is_built_from_project()).filter_map(ComposeService::image_name).collect();
        let mut is_app: Vec<bool> = found
            .iter()
            .map(|service| {
                service.is_built_from_project()
                    || service.builds.is_none() && service.image_name().is_some_and(|image| images.contains(&image))
            })
            .collect();
        // `extends` takes the image of another service.
        for _ in 0..found.len() {
            let names: Vec<String> =
                found.iter().zip(&is_app).filter(|(_, app)| **app).map(|(service, _)| service.name.clone()).collect();
            for (service, app) in found.iter().zip(&mut is_app) {
                *app |= service.extends.as_ref().is_some_and(|extended| names.contains(extended));
            }
        }
        let mut flags = is_app.into_iter();
        let (apps, others) = found.drain(..).partition(|_| flags.next().unwrap_or_default());
        (self.apps, self.services) = (apps, others);
        if self.services.iter().chain(&self.apps).next().is_none() {
            self.note(services.line, format!("`{}` has no services", slashed(&self.file)));
        }
    }

    /// Returns the service of this name, unless it is the app.
    pub fn service(&self, name: &str) -> Option<&ComposeService> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Returns the service of this name that is the app.
    pub fn app(&self, name: &str) -> Option<&ComposeService> {
        self.apps.iter().find(|service| service.name == name)
    }

    /// Names the services that tests are run beside: what the app depends on, and what that depends on; without an app, or without
    /// such a word, all that no profile keeps back.
    pub fn usual(&self) -> Vec<String> {
        let mut names: Vec<&str> = self.apps.iter().flat_map(|app| &app.after).map(|needed| needed.name.as_str()).collect();
        if !names.iter().any(|name| self.service(name).is_some()) {
            let active = |service: &&ComposeService| service.is_active;
            return self.services.iter().filter(active).map(|service| service.name.clone()).collect();
        }
        let mut next = 0;
        while let Some(name) = names.get(next) {
            let service = self.service(name).or_else(|| self.app(name));
            let more: Vec<&str> =
                service.into_iter().flat_map(|service| &service.after).map(|needed| needed.name.as_str()).collect();
            let new: Vec<&str> = more.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(new);
            next += 1;
        }
        self.services.iter().map(|service| service.name.clone()).filter(|name| names.contains(&name.as_str())).collect()
    }
}
