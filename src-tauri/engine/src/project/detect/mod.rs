//! What a project's sources say about how it is run: read by a parser, without Python and without running anything.
//!
//! Owns frameworks, entry points, health routes and servers' command lines. Knows neither the configuration nor environments.

mod apps;
mod ast;
mod django;
mod dockerfile;
mod health;
mod migrations;
mod names;
mod parse;
mod program;
mod server;
mod sources;
mod streamlit;

use std::path::{Path, PathBuf};

pub(super) use dockerfile::Dockerfile;
pub(super) use dockerfile::read as read_dockerfile;
pub(super) use health::HealthRoute;
pub use migrations::migrations;
pub(super) use names::Interface;
pub(super) use server::{Distributions, Reading, Serverless, command, read_command};

use super::At;
use super::manifest::Manifest;
use super::place::slashed;
use crate::model::Framework;
use names::Names;
use sources::{Module, Sources};

/// Something that could be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub entry: Entry,
    pub framework: Framework,
    pub at: At,
    /// The line that says so.
    pub source: String,
    /// The route that answers whether it is well.
    pub health: Option<HealthRoute>,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// An object that a server calls.
    Callable { module: String, attribute: String, interface: Interface, is_factory: bool },
    /// A Django project.
    Django { wsgi: Option<String>, asgi: Option<String>, prefers_asgi: bool },
    /// A script of Streamlit's.
    Streamlit { script: PathBuf },
    /// A Celery app.
    Celery { module: String, attribute: String },
    /// A program of the project's own.
    Program { arguments: Vec<String> },
}

impl Found {
    /// Names the entry as people do: `shop.main:app`.
    pub fn name(&self) -> String {
        match &self.entry {
            Entry::Callable { module, attribute, is_factory: true, .. } => format!("{module}:{attribute}()"),
            Entry::Callable { module, attribute, .. } | Entry::Celery { module, attribute } => format!("{module}:{attribute}"),
            Entry::Django { wsgi, asgi, .. } => wsgi.clone().or_else(|| asgi.clone()).unwrap_or_default(),
            Entry::Streamlit { script } => slashed(script),
            Entry::Program { arguments } => arguments.join(" "),
        }
    }

    /// Tells whether a name in a command means this entry.
    pub fn is_called(&self, name: &str) -> bool {
        let same = |entry: &str| entry == name || entry.split_once(':').is_some_and(|(module, _)| module == name);
        match &self.entry {
            Entry::Django { wsgi, asgi, .. } => [wsgi, asgi].into_iter().flatten().any(|entry| same(entry)),
            _ => same(self.name().trim_end_matches("()")),
        }
    }

    /// Says what was found and where, for `explain`.
    pub fn because(&self) -> String {
        format!("{} `{}`", self.at, self.source)
    }
}

/// Everything that the sources offer.
#[derive(Debug, Default)]
pub(super) struct Detection {
    /// What receives requests.
    pub web: Vec<Found>,
    /// Celery's workers.
    pub workers: Vec<Found>,
    /// Programs of the project's own: scripts, `__main__` modules.
    pub programs: Vec<Found>,
    /// Folders that must be on the path although they are no part of the layout.
    pub import_roots: Vec<PathBuf>,
    /// How many modules there are, when not all of them were read.
    pub cut: Option<usize>,
}

impl Detection {
    /// Reads the sources of a project.
    pub fn of(root: &Path, manifest: &Manifest) -> Self {
        let sources = Sources::read(root, &manifest.layout);
        let names = Names::new(&sources);
        let mut web = django(&names);
        web.extend(callables(&names));
        web.extend(streamlit::find(&names).into_iter().filter_map(|(script, line)| streamlit_found(&names, script, line)));
        let programs = program::find(&names, manifest);
        Self {
            web,
            workers: celery(&names),
            programs,
            cut: sources.is_cut().then_some(sources.seen),
            import_roots: sources.import_roots.clone(),
        }
    }
}

fn django(names: &Names<'_>) -> Vec<Found> {
    let health = health::best(django::health_routes(names));
    let found = |project: django::Django| Found {
        entry: Entry::Django { wsgi: project.wsgi, asgi: project.asgi, prefers_asgi: project.prefers_asgi },
        framework: Framework::Django,
        at: project.at,
        source: project.source,
        health: health.clone(),
    };
    django::find(names).into_iter().map(found).collect()
}

fn callables(names: &Names<'_>) -> Vec<Found> {
    let found = |app: apps::App| {
        let module = names.modules.get(app.object.0)?;
        let health = health::best(health::routes(names, &app));
        let name = module.name.clone()?;
        let entry =
            Entry::Callable { module: name, attribute: app.object.1, interface: app.interface, is_factory: app.is_factory };
        Some(Found {
            entry,
            framework: app.framework,
            at: At::new(module.file.as_path(), app.line),
            source: module.source_line(app.line),
            health,
        })
    };
    apps::find(names).into_iter().filter_map(found).collect()
}

fn celery(names: &Names<'_>) -> Vec<Found> {
    let found = |((index, attribute), line): (names::Object, u32)| {
        let module = names.modules.get(index)?;
        let entry = Entry::Celery { module: module.name.clone()?, attribute };
        Some(Found {
            entry,
            framework: Framework::Celery,
            at: At::new(module.file.as_path(), line),
            source: module.source_line(line),
            health: None,
        })
    };
    apps::celery(names).into_iter().filter_map(found).collect()
}

fn streamlit_found(names: &Names<'_>, script: PathBuf, line: u32) -> Option<Found> {
    let module: &Module = names.modules.iter().find(|module| module.file == script)?;
    let at = At::new(script.as_path(), line);
    let source = module.source_line(line);
    // Streamlit's own route, since 1.16.
    let health = HealthRoute { path: "/_stcore/health".into(), at: at.clone(), source: "Streamlit's own route".into() };
    Some(Found { entry: Entry::Streamlit { script }, framework: Framework::Streamlit, at, source, health: Some(health) })
}
