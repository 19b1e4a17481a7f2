//! `[build]` and `[lock]`.

use std::path::{Component, Path, PathBuf};

use toml::de::DeValue;

use super::checks::word;
use crate::model::Strictness;
use crate::project::names::is_variable;
use crate::project::section::{Section, quoted};
use crate::project::{Located, ProjectError};

/// `[build]`.
#[derive(Debug, Default)]
pub(in crate::project) struct BuildSection {
    pub dockerfile: Option<Located<DockerfileChoice>>,
    pub stage: Option<Located<String>>,
    pub args: Vec<(String, Located<String>)>,
    pub secrets: Vec<(String, Located<String>)>,
    pub base: Option<Located<String>>,
    pub include: Option<Located<Vec<String>>>,
    pub exclude: Option<Located<Vec<String>>>,
    pub ca_bundle: Option<Located<PathBuf>>,
    pub extras: Option<Located<Vec<String>>>,
    pub groups: Option<Located<Vec<String>>>,
}

/// `dockerfile = "path"`, or `false` for the wheel builder although there is a `Dockerfile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::project) enum DockerfileChoice {
    None,
    File(PathBuf),
}

impl BuildSection {
    pub fn read(top: &Section<'_>) -> Result<Self, ProjectError> {
        let Some(section) = top.section("build")? else { return Ok(Self::default()) };
        let build = Self {
            dockerfile: read_dockerfile(&section)?,
            stage: section.string("stage")?,
            args: section.string_table("args")?,
            secrets: section.string_table("secrets")?,
            base: section.string("base")?,
            include: read_globs(&section, "include")?,
            exclude: read_globs(&section, "exclude")?,
            ca_bundle: section.path("ca_bundle")?,
            extras: section.strings("extras")?,
            groups: section.strings("groups")?,
        };
        section.finish()?;
        if let Some(base) = build.base.as_ref().filter(|base| !is_image(&base.value)) {
            let reason = "it is no image reference".into();
            return Err(section.bad(
                "base",
                &base.at,
                &quoted(&base.value),
                reason,
                "write `base = \"python:3.13-slim\"`".into(),
            ));
        }
        for (id, source) in &build.secrets {
            let name = source.value.strip_prefix("env:");
            if source.value.is_empty() || name.is_some_and(|name| !is_variable(name)) {
                let reason = "a build secret comes from a file or from a variable".into();
                let hint = format!("write `{id} = \"env:{}\"`, or a file's path", id.to_uppercase().replace('-', "_"));
                return Err(section.bad(&format!("secrets.{id}"), &source.at, &quoted(&source.value), reason, hint));
            }
        }
        Ok(build)
    }
}

/// Reads `[lock]`.
pub(super) fn read_lock(top: &Section<'_>) -> Result<Option<Located<Strictness>>, ProjectError> {
    let Some(section) = top.section("lock")? else { return Ok(None) };
    let unhashed = word(&section, "unhashed", &[("refuse", Strictness::Refuse), ("warn", Strictness::Warn)])?;
    section.finish()?;
    Ok(unhashed)
}

/// Tells whether a text could be an image reference (OCI distribution specification): enough to catch a slip of the hand.
pub(super) fn is_image(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(legal) && !text.ends_with([':', '/', '@'])
}

fn read_dockerfile(section: &Section<'_>) -> Result<Option<Located<DockerfileChoice>>, ProjectError> {
    let Some((at, value)) = section.any("dockerfile") else { return Ok(None) };
    let text = match value {
        DeValue::Boolean(false) => return Ok(Some(Located::new(DockerfileChoice::None, at))),
        DeValue::String(text) => text,
        _ => return Err(section.wrong("dockerfile", at, "a path or false", value, "dockerfile = \"Dockerfile\"")),
    };
    let path = Path::new(text.as_ref());
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) && !text.is_empty();
    if !inside {
        let reason = "a Dockerfile lies inside the project".into();
        return Err(section.bad(
            "dockerfile",
            &at,
            &quoted(text),
            reason,
            "write a path relative to the project's folder".into(),
        ));
    }
    Ok(Some(Located::new(DockerfileChoice::File(path.components().filter(|part| *part != Component::CurDir).collect()), at)))
}

fn read_globs(section: &Section<'_>, key: &'static str) -> Result<Option<Located<Vec<String>>>, ProjectError> {
    let Some(globs) = section.strings(key)? else { return Ok(None) };
    for glob in &globs.value {
        if let Err(error) = globset::Glob::new(glob) {
            let reason = error.kind().to_string();
            return Err(section.bad(key, &globs.at, &quoted(glob), reason, format!("write `{key} = [\"assets/**\"]`")));
        }
    }
    Ok(Some(globs))
}
