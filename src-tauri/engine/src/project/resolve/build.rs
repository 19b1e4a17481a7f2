//! `[build]` and `[lock]`.

use std::path::Path;

use super::python::Python;
use super::{ImageFile, Inputs};
use crate::model::{BuildSettings, LockSettings, Origin, Strictness};
use crate::project::config::DockerfileChoice;
use crate::project::detect::read_dockerfile;
use crate::project::explain::{Effective, Explained, Shown, path_text};
use crate::project::manifest::normal;
use crate::project::place::slashed;
use crate::project::{Located, ProjectError, Warning};

/// Finds the Dockerfile that builds the image: the configured one, or `Dockerfile`.
pub(super) fn image_file(inputs: &Inputs<'_>) -> Result<Option<ImageFile>, ProjectError> {
    let configuration = &inputs.configuration.build;
    let stage = configuration.stage.as_ref();
    let path = match &configuration.dockerfile {
        Some(Located { value: DockerfileChoice::None, .. }) => return Ok(None),
        Some(Located { value: DockerfileChoice::File(path), .. }) => path.as_path(),
        None => Path::new("Dockerfile"),
    };
    let content = read_dockerfile(inputs.root, path, stage.map(|stage| stage.value.as_str()))?;
    match (content, &configuration.dockerfile) {
        (Some(content), _) => {
            if let Some(stage) =
                stage.filter(|stage| !content.stages.iter().any(|known| known.eq_ignore_ascii_case(&stage.value)))
            {
                return Err(ProjectError::UnknownName {
                    at: stage.at.clone(),
                    key: "build.stage".into(),
                    kind: "stage",
                    name: stage.value.clone(),
                    known: content.stages,
                });
            }
            Ok(Some(ImageFile { path: path.to_owned(), content }))
        }
        (None, Some(named)) => Err(ProjectError::BadValue {
            at: named.at.clone(),
            key: "build.dockerfile".into(),
            value: path_text(path).into(),
            reason: "there is no such file".into(),
            hint: "write a path relative to the project's folder".into(),
        }),
        (None, None) => Ok(None),
    }
}

pub(super) fn resolve(
    inputs: &Inputs<'_>,
    image_file: Option<&ImageFile>,
    python: &Python,
    warnings: &mut Vec<Warning>,
) -> Result<(BuildSettings, Explained), ProjectError> {
    let configuration = &inputs.configuration.build;
    let manifest = inputs.manifest;
    let mut explained = Explained::default();
    match (&configuration.dockerfile, image_file) {
        (Some(choice), file) => {
            let value = file.map_or_else(|| false.shown(), |file| path_text(&file.path));
            explained.note("build.dockerfile", value, choice.origin());
        }
        (None, Some(file)) => {
            let because = format!("there is a `{}`", slashed(&file.path));
            explained.note("build.dockerfile", path_text(&file.path), Origin::Inferred { because });
        }
        (None, None) => explained.note("build.dockerfile", false.shown(), Origin::Default),
    }
    let stage = configuration.stage.clone().map(|stage| explained.take("build.stage", Effective::at(stage.value, &stage.at)));
    explained.table("build.args", &configuration.args);
    explained.table("build.secrets", &configuration.secrets);
    let base = match image_file {
        Some(_) => python.base.value.clone(),
        None => explained.take("build.base", python.base.clone()),
    };
    let list = |key: &str, found: &Option<Located<Vec<String>>>, explained: &mut Explained| {
        explained.take(key, Effective::or(found.clone(), || Effective::default(Vec::new())))
    };
    let include = list("build.include", &configuration.include, &mut explained);
    let exclude = list("build.exclude", &configuration.exclude, &mut explained);
    let ca_bundle = configuration.ca_bundle.as_ref().map(|bundle| {
        explained.note("build.ca_bundle", path_text(&bundle.value), bundle.origin());
        bundle.value.clone()
    });
    check_names("build.extras", "extra", &configuration.extras, manifest.extras.keys())?;
    check_names("build.groups", "group", &configuration.groups, manifest.groups.keys())?;
    let extras = normalised(list("build.extras", &configuration.extras, &mut explained));
    let groups = normalised(list("build.groups", &configuration.groups, &mut explained));
    warn_of_idle_keys(inputs, image_file, warnings);
    let table =
        |entries: &[(String, Located<String>)]| entries.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect();
    let settings = BuildSettings {
        dockerfile: image_file.map(|file| file.path.clone()),
        stage,
        args: table(&configuration.args),
        secrets: table(&configuration.secrets),
        base,
        include,
        exclude,
        ca_bundle,
        extras,
        groups,
    };
    Ok((settings, explained))
}

/// Warns of keys that the other builder would read.
fn warn_of_idle_keys(inputs: &Inputs<'_>, image_file: Option<&ImageFile>, warnings: &mut Vec<Warning>) {
    let configuration = &inputs.configuration.build;
    let first = |entries: &[(String, Located<String>)]| entries.first().map(|(_, value)| value.at.clone());
    let at = |value: &Option<Located<Vec<String>>>| value.as_ref().map(|value| value.at.clone());
    let (idle, hint) = match image_file {
        Some(file) => (
            vec![
                ("base", configuration.base.as_ref().map(|base| base.at.clone())),
                ("include", at(&configuration.include)),
                ("exclude", at(&configuration.exclude)),
                ("extras", at(&configuration.extras)),
                ("groups", at(&configuration.groups)),
            ],
            format!(
                "`{}` builds the image; write `dockerfile = false` in `[build]` to build it from the lock",
                slashed(&file.path)
            ),
        ),
        None => (
            vec![
                ("stage", configuration.stage.as_ref().map(|stage| stage.at.clone())),
                ("args", first(&configuration.args)),
                ("secrets", first(&configuration.secrets)),
            ],
            "only a Dockerfile reads it, and there is none".into(),
        ),
    };
    for (key, at) in idle {
        if let Some(at) = at {
            warnings.push(Warning::new(format!("`build.{key}` ({at}) has no effect"), hint.clone()));
        }
    }
}

fn normalised(names: Vec<String>) -> Vec<String> {
    names.iter().map(|name| normal(name)).collect()
}

/// Refuses extras and groups that the manifest does not define.
pub(super) fn check_names<'a>(
    key: &str,
    kind: &'static str,
    names: &Option<Located<Vec<String>>>,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), ProjectError> {
    let Some(names) = names else { return Ok(()) };
    match names.value.iter().find(|name| !known.clone().any(|known| *known == normal(name))) {
        None => Ok(()),
        Some(name) => Err(ProjectError::UnknownName {
            at: names.at.clone(),
            key: key.into(),
            kind,
            name: name.clone(),
            known: known.cloned().collect(),
        }),
    }
}

pub(super) fn resolve_lock(inputs: &Inputs<'_>, image_file: Option<&ImageFile>) -> (LockSettings, Explained) {
    let mut explained = Explained::default();
    let otherwise = || match image_file {
        Some(file) => Effective::inferred(Strictness::Warn, format!("`{}` builds the image", slashed(&file.path))),
        None => Effective::default(Strictness::Refuse),
    };
    let effective = Effective::or(inputs.configuration.unhashed.clone(), otherwise);
    let word = match effective.value {
        Strictness::Refuse => "refuse",
        Strictness::Warn => "warn",
    };
    explained.note("lock.unhashed", word.to_owned().shown(), effective.origin);
    (LockSettings { unhashed: effective.value }, explained)
}
