//! Makes the effective settings of a project: what the configuration gives, what was inferred, and the defaults for the rest.

mod app;
mod build;
mod compose;
mod environments;
mod gates;
mod gauntlet;
mod health;
mod hints;
mod locked;
mod logs;
mod probes;
mod processes;
mod python;
mod services;
mod strategy;
mod suites;

use std::path::{Path, PathBuf};

use super::config::Configuration;
use super::detect::{Detection, Distributions, Dockerfile};
use super::explain::Explained;
use super::manifest::Manifest;
use super::{Choice, ProjectError, Warning};
use crate::model::{ProjectSettings, Setting};

/// Everything that settings are made of.
pub(super) struct Inputs<'a> {
    pub root: &'a Path,
    pub configuration: &'a Configuration,
    pub manifest: &'a Manifest,
    pub detection: &'a Detection,
    pub choice: Option<&'a Choice>,
}

/// Effective settings, where each came from, and what a person should know.
pub(super) struct Resolved {
    pub settings: ProjectSettings,
    pub explained: Vec<Setting>,
    pub warnings: Vec<Warning>,
}

/// The Dockerfile that builds the image.
struct ImageFile {
    path: PathBuf,
    content: Dockerfile,
}

/// Makes the settings.
pub(super) fn resolve(inputs: &Inputs<'_>) -> Result<Resolved, ProjectError> {
    let mut warnings = Vec::new();
    if let Some(seen) = inputs.detection.cut {
        let message = format!("the project has {seen} Python modules; those that lie deepest were not read");
        warnings.push(Warning::new(message, "if the app was not found, say what to run in `[app] command`"));
    }
    if let (None, Some(unread)) = (&inputs.manifest.file, inputs.manifest.unread.first()) {
        let message =
            format!("`{}` is not read, and nothing else names the project's dependencies", super::place::slashed(unread));
        warnings.push(Warning::new(message, "write them into `pyproject.toml`, under `[project]`, and lock them"));
    }
    let image_file = build::image_file(inputs)?;
    let python = python::choose(inputs, image_file.as_ref())?;
    let (build, build_explained) = build::resolve(inputs, image_file.as_ref(), &python, &mut warnings)?;
    let locked = locked::names(inputs.root, inputs.manifest);
    let distributions = Distributions::new(inputs.root, inputs.manifest, &build.extras, &build.groups, locked);
    let chosen = processes::resolve(inputs, image_file.as_ref(), &distributions, &mut warnings)?;
    let (app, app_explained) = app::resolve(inputs, &chosen, &python)?;
    let (lock, lock_explained) = build::resolve_lock(inputs, image_file.as_ref());
    let services = services::resolve(inputs)?;
    let (gauntlet, gauntlet_explained) = gauntlet::resolve(inputs, &distributions, &services, &mut warnings)?;
    hints::warn(inputs, &gauntlet.gates, &mut warnings)?;
    let (health, health_explained) = health::resolve(inputs, &chosen);
    let (release, release_explained) = health::resolve_release(inputs);
    let (environments, environments_explained) = environments::resolve(inputs, &app, &services, &health)?;
    let (notify, notify_explained) = probes::resolve_notify(inputs);
    let (logs, logs_explained) = logs::resolve(inputs);
    let kept = environments.values().flat_map(|environment| &environment.services);
    services.warn(gauntlet.gates.iter().flat_map(|gate| &gate.services).chain(kept), &mut warnings);
    let sections: [Explained; 10] = [
        app_explained,
        build_explained,
        lock_explained,
        gauntlet_explained,
        services.explained,
        health_explained,
        release_explained,
        notify_explained,
        logs_explained,
        environments_explained,
    ];
    Ok(Resolved {
        settings: ProjectSettings {
            app,
            build,
            lock,
            gauntlet,
            services: services.settings,
            health,
            release,
            notify,
            logs,
            environments,
        },
        explained: sections.into_iter().flat_map(|section| section.0).collect(),
        warnings,
    })
}
