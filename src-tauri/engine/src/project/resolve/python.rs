//! Chooses the Python of the image: from the base, the Dockerfile, `.python-version`, or `requires-python`.

use std::path::Path;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::{ImageFile, Inputs};
use crate::project::document::read_text;
use crate::project::explain::Effective;
use crate::project::place::slashed;
use crate::project::{Located, ProjectError};

/// Minor versions of Python 3, the one that is taken first when nothing says otherwise first.
const PREFERRED: [u64; 12] = [13, 14, 12, 11, 10, 9, 8, 15, 16, 17, 18, 19];

/// More patch versions than a minor version ever had.
const MOST_PATCHES: u64 = 40;

/// The Python of the image, and the base that has it.
pub(super) struct Python {
    /// `MAJOR.MINOR`.
    pub version: Effective<String>,
    pub base: Effective<String>,
}

pub(super) fn choose(inputs: &Inputs<'_>, image_file: Option<&ImageFile>) -> Result<Python, ProjectError> {
    let configured = inputs.configuration.build.base.as_ref();
    let in_file = image_file.and_then(|file| file.content.base.as_ref());
    if let (Some(from), _) | (None, Some(from)) = (in_file, configured.filter(|_| image_file.is_none())) {
        let version = match minor_of_image(&from.value) {
            Some(minor) => Effective::inferred(minor, format!("{} `{}`", from.at, from.value)),
            None => infer(inputs)?,
        };
        return Ok(Python { version, base: Effective { value: from.value.clone(), origin: from.origin() } });
    }
    let version = infer(inputs)?;
    let base = Effective { value: format!("python:{}-slim", version.value), origin: version.origin.clone() };
    Ok(Python { version, base })
}

fn infer(inputs: &Inputs<'_>) -> Result<Effective<String>, ProjectError> {
    let requires = inputs.manifest.requires_python.as_ref();
    let specifiers = requires.and_then(|requires| VersionSpecifiers::from_str(&requires.value).ok());
    let allowed = |minor: u64| specifiers.as_ref().is_none_or(|specifiers| allows(specifiers, minor));
    if let Some(file) = version_file(inputs)?.filter(|file| allowed(file.value)) {
        return Ok(Effective::inferred(format!("3.{}", file.value), file.at.to_string()));
    }
    match (PREFERRED.into_iter().find(|minor| allowed(*minor)), requires) {
        (Some(minor), Some(requires)) => {
            Ok(Effective::inferred(format!("3.{minor}"), format!("{} `requires-python = \"{}\"`", requires.at, requires.value)))
        }
        (Some(minor), None) => Ok(Effective::default(format!("3.{minor}"))),
        (None, requires) => Err(match requires {
            Some(Located { value, at }) => ProjectError::NoPython { requires: value.clone(), at: at.clone() },
            None => {
                ProjectError::NoPython { requires: String::new(), at: crate::project::At::new(Path::new("pyproject.toml"), 1) }
            }
        }),
    }
}

/// Tells whether any patch version of a minor version satisfies the specifiers.
fn allows(specifiers: &VersionSpecifiers, minor: u64) -> bool {
    (0..MOST_PATCHES).any(|patch| specifiers.contains(&Version::new([3, minor, patch])))
}

/// Reads `.python-version` of the project, or of the workspace that it belongs to.
fn version_file(inputs: &Inputs<'_>) -> Result<Option<Located<u64>>, ProjectError> {
    const FILE: &str = ".python-version";
    let above = inputs.manifest.workspace.as_ref().map(|workspace| workspace.root.as_path());
    for folder in [Some(inputs.root), above].into_iter().flatten() {
        let Some(text) = read_text(folder, Path::new(FILE))? else { continue };
        for (number, line) in (1_u32..).zip(text.lines()) {
            if let Some(minor) = minor_of(line.split('#').next().unwrap_or_default()) {
                return Ok(Some(Located::new(minor, crate::project::At::new(Path::new(FILE), number))));
            }
        }
    }
    Ok(None)
}

/// Reads the minor version of `3.12`, `3.12.4` or `cpython-3.12`.
fn minor_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let start = text
        .find("3.")
        .filter(|start| !text.get(..*start).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit() || c == '.')))?;
    let rest = text.get(start + 2..)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok().filter(|minor| *minor < 100)
}

/// Reads the version from a reference such as `docker.io/library/python:3.13-slim`.
fn minor_of_image(image: &str) -> Option<String> {
    let name = image.split('@').next().unwrap_or_default();
    let (repository, tag) = name.rsplit_once(':')?;
    let is_python = slashed(Path::new(repository)).rsplit('/').next().is_some_and(|name| name.contains("python"));
    let number = tag.strip_prefix("python").unwrap_or(tag);
    number.strip_prefix("3.").filter(|_| is_python)?;
    minor_of(number).map(|minor| format!("3.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_is_allowed_when_one_of_its_patches_is() {
        for (text, minor, allowed) in [
            (">=3.11", 13, true),
            (">=3.13.5", 13, true),
            ("<3.13", 13, false),
            ("==3.10.*", 10, true),
            ("==3.10.*", 11, false),
            ("~=3.12.1", 12, true),
            (">=3.11,!=3.13.*", 13, false),
        ] {
            assert_eq!(allows(&VersionSpecifiers::from_str(text).unwrap(), minor), allowed, "{text} 3.{minor}");
        }
    }

    #[test]
    fn versions_are_read_from_files_and_images() {
        for (text, minor) in
            [("3.12", Some(12)), ("3.12.4", Some(12)), ("cpython-3.11.2", Some(11)), ("2.7", None), ("13.1", None), ("", None)]
        {
            assert_eq!(minor_of(text), minor, "{text}");
        }
        for (image, minor) in [
            ("python:3.13-slim", Some("3.13")),
            ("docker.io/library/python:3.12@sha256:aa", Some("3.12")),
            ("ghcr.io/astral-sh/uv:python3.12-bookworm", None),
            ("python:latest", None),
            ("python", None),
            ("debian:13", None),
            ("localhost:5000/python", None),
        ] {
            assert_eq!(minor_of_image(image).as_deref(), minor, "{image}");
        }
    }
}
