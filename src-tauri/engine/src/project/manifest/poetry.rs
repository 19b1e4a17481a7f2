//! Reads `[tool.poetry]` and writes Poetry's constraints as the standards do (PEP 440, PEP 508).
//!
//! Unions (`^2.7 || ^3.6`) have no such form: they are read as "any version". Whoever proves a lock uses Poetry's own hash.

use std::str::FromStr;

use toml::de::DeValue;

use super::{Install, Manifest, normal, pyproject};
use crate::project::section::Section;
use crate::project::{At, Located, ProjectError};

/// Adds what Poetry's table says to what `[project]` says; the latter wins, as in Poetry 2.
pub(super) fn read(poetry: &Section<'_>, project: Option<&Section<'_>>, manifest: &mut Manifest) -> Result<(), ProjectError> {
    manifest.install = match poetry.flag("package-mode")? {
        Some(flag) if !flag.value => Install::Folder,
        _ => Install::Package,
    };
    let name = poetry.string("name")?;
    manifest.name = manifest.name.take().or(name);
    let version = poetry.string("version")?;
    manifest.version = manifest.version.take().or(version.map(|version| version.value));
    let mut optional = Vec::new();
    let has_dependencies = project.is_some_and(|project| project.has("dependencies").is_some());
    if let Some(section) = poetry.section("dependencies")? {
        for dependency in read_dependencies(&section)? {
            match dependency {
                Dependency::Python(constraint) => {
                    manifest.requires_python = manifest.requires_python.take().or(constraint);
                }
                Dependency::Required(requirement) if !has_dependencies => manifest.dependencies.push(requirement),
                Dependency::Optional(requirement) if !has_dependencies => optional.push(requirement),
                Dependency::Required(_) | Dependency::Optional(_) => {}
            }
        }
    }
    read_extras(poetry, &optional, manifest)?;
    read_groups(poetry, manifest)?;
    manifest.scripts.extend(poetry.section("scripts")?.iter().flat_map(Section::entries).filter_map(|entry| {
        let target = entry.value.as_str()?.to_owned();
        Some((entry.name, Located::new(target, entry.at)))
    }));
    Ok(())
}

/// `[tool.poetry.extras]`: names of optional dependencies.
fn read_extras(poetry: &Section<'_>, optional: &[Located<String>], manifest: &mut Manifest) -> Result<(), ProjectError> {
    let Some(section) = poetry.section("extras")? else { return Ok(()) };
    for entry in section.entries() {
        let Some(names) = entry.value.as_array() else { continue };
        let names: Vec<_> = names.iter().filter_map(|name| name.get_ref().as_str()).map(normal).collect();
        let members = optional.iter().filter(|requirement| names.contains(&super::requirement_name(&requirement.value))).cloned();
        manifest.extras.entry(normal(&entry.name)).or_default().extend(members);
    }
    Ok(())
}

/// `[tool.poetry.group.*]`, and `dev-dependencies` of older files.
fn read_groups(poetry: &Section<'_>, manifest: &mut Manifest) -> Result<(), ProjectError> {
    let mut add = |group: &str, section: &Section<'_>| -> Result<(), ProjectError> {
        let members = manifest.groups.entry(normal(group)).or_default();
        for dependency in read_dependencies(section)? {
            if let Dependency::Required(requirement) | Dependency::Optional(requirement) = dependency {
                members.push(requirement);
            }
        }
        Ok(())
    };
    if let Some(section) = poetry.section("dev-dependencies")? {
        add("dev", &section)?;
    }
    let Some(groups) = poetry.section("group")? else { return Ok(()) };
    for entry in groups.entries() {
        if let Some(section) = groups.named(&entry)?.section("dependencies")? {
            add(&entry.name, &section)?;
        }
    }
    Ok(())
}

enum Dependency {
    /// `python = "^3.11"`; none where the constraint has no form in PEP 440.
    Python(Option<Located<String>>),
    Required(Located<String>),
    Optional(Located<String>),
}

fn read_dependencies(section: &Section<'_>) -> Result<Vec<Dependency>, ProjectError> {
    let mut found = Vec::new();
    for entry in section.entries() {
        let name = &entry.name;
        if name == "python" {
            let constraint = entry.value.as_str().and_then(specifiers).filter(|specifiers| !specifiers.is_empty());
            found.push(Dependency::Python(constraint.map(|constraint| Located::new(constraint, entry.at))));
            continue;
        }
        let example = format!("{name} = \"^1.2\"");
        let wrong = || section.wrong(name, entry.at.clone(), "a constraint or a table", entry.value, &example);
        match entry.value {
            DeValue::String(constraint) => found.push(Dependency::Required(requirement(name, constraint, &entry.at)?)),
            DeValue::Table(_) => found.push(from_table(name, entry.value, &entry.at)?),
            DeValue::Array(choices) => {
                for choice in choices {
                    if choice.get_ref().as_table().is_none() {
                        return Err(wrong());
                    }
                    found.push(from_table(name, choice.get_ref(), &entry.at)?);
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(found)
}

fn requirement(name: &str, constraint: &str, at: &At) -> Result<Located<String>, ProjectError> {
    let specifiers = specifiers(constraint).unwrap_or_default();
    pyproject::checked(Located::new(format!("{name}{specifiers}"), at.clone()))
}

fn from_table(name: &str, value: &DeValue<'_>, at: &At) -> Result<Dependency, ProjectError> {
    let text = |key: &str| value.as_table().and_then(|table| table.get(key)?.get_ref().as_str());
    let extras: Vec<_> = value
        .as_table()
        .and_then(|table| table.get("extras")?.get_ref().as_array())
        .into_iter()
        .flatten()
        .filter_map(|extra| extra.get_ref().as_str())
        .collect();
    let mut written = name.to_owned();
    if !extras.is_empty() {
        written.push_str(&format!("[{}]", extras.join(",")));
    }
    if let Some(git) = text("git") {
        let revision =
            text("rev").or_else(|| text("tag")).or_else(|| text("branch")).map(|r| format!("@{r}")).unwrap_or_default();
        written.push_str(&format!(" @ git+{git}{revision} "));
    } else if let Some(url) = text("url") {
        written.push_str(&format!(" @ {url} "));
    } else {
        written.push_str(&text("version").and_then(specifiers).unwrap_or_default());
    }
    let python = text("python")
        .and_then(specifiers)
        .filter(|specifiers| !specifiers.is_empty())
        .map(|specifiers| python_marker(&specifiers));
    let markers: Vec<_> = [text("markers").map(|marker| format!("({marker})")), python].into_iter().flatten().collect();
    if !markers.is_empty() {
        written.push_str(&format!(" ; {}", markers.join(" and ")));
    }
    let requirement = pyproject::checked(Located::new(written.trim_end().to_owned(), at.clone()))?;
    let optional = value.as_table().and_then(|table| table.get("optional")?.get_ref().as_bool()).unwrap_or_default();
    Ok(if optional { Dependency::Optional(requirement) } else { Dependency::Required(requirement) })
}

fn python_marker(specifiers: &str) -> String {
    let part = |specifier: &str| {
        let split = specifier.find(|c: char| !"<>=!~".contains(c)).unwrap_or(0);
        let (operator, version) = specifier.split_at(split);
        format!("python_full_version {operator} \"{version}\"")
    };
    specifiers.split(',').map(part).collect::<Vec<_>>().join(" and ")
}

/// Writes a constraint of Poetry as version specifiers; none where it has no such form, empty where it allows everything.
fn specifiers(constraint: &str) -> Option<String> {
    if constraint.contains('|') {
        return None;
    }
    // "> 1.0" and ">=1,<2" and ">=1 <2" are all written.
    let mut parts: Vec<String> = Vec::new();
    for word in constraint.split([',', ' ']).filter(|word| !word.is_empty()) {
        match parts.last_mut() {
            Some(last) if last.chars().all(|c| "<>=!~^".contains(c)) => last.push_str(word),
            _ => parts.push(word.to_owned()),
        }
    }
    let written: Option<Vec<String>> = parts.iter().map(|part| specifier(part)).collect();
    let written: Vec<String> = written?.into_iter().filter(|part| !part.is_empty()).collect();
    let text = written.join(",");
    (text.is_empty() || pep440_rs::VersionSpecifiers::from_str(&text).is_ok()).then_some(text)
}

fn specifier(part: &str) -> Option<String> {
    if part == "*" {
        return Some(String::new());
    }
    if let Some(version) = part.strip_prefix('^') {
        return range(version, |release| {
            release.iter().position(|number| *number != 0).unwrap_or(release.len().saturating_sub(1))
        });
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        return range(version, |release| usize::from(release.len() > 1));
    }
    if part.starts_with(['<', '>', '!', '~']) || part.starts_with("==") {
        return Some(part.to_owned());
    }
    let version = part.trim_start_matches('=');
    Some(format!("=={version}"))
}

/// Writes `>=version,<bound`, where the bound raises the release's number at `raise`.
fn range(version: &str, raise: impl FnOnce(&[u64]) -> usize) -> Option<String> {
    let version = pep440_rs::Version::from_str(version.trim().trim_end_matches(".*")).ok()?;
    let release = version.release();
    let raise = raise(release);
    let bound: Vec<_> = release
        .iter()
        .take(raise + 1)
        .enumerate()
        .map(|(i, n)| if i == raise { n.saturating_add(1) } else { *n })
        .map(|n| n.to_string())
        .collect();
    Some(format!(">={version},<{}", bound.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_of_poetry_are_written_as_pep_440_has_them() {
        for (poetry, standard) in [
            ("^1.2.3", Some(">=1.2.3,<2")),
            ("^0.2.3", Some(">=0.2.3,<0.3")),
            ("^0.0.3", Some(">=0.0.3,<0.0.4")),
            ("^0.0", Some(">=0.0,<0.1")),
            ("^0", Some(">=0,<1")),
            ("~1.2.3", Some(">=1.2.3,<1.3")),
            ("~1.2", Some(">=1.2,<1.3")),
            ("~1", Some(">=1,<2")),
            ("~=1.4.2", Some("~=1.4.2")),
            ("*", Some("")),
            ("1.2.*", Some("==1.2.*")),
            ("1.2", Some("==1.2")),
            ("=1.2", Some("==1.2")),
            (">= 1.2, < 2", Some(">=1.2,<2")),
            (">=1.2 <2", Some(">=1.2,<2")),
            ("^3.11,!=3.12.0", Some(">=3.11,<4,!=3.12.0")),
            ("^2.7 || ^3.6", None),
            ("nonsense", None),
            ("^", None),
        ] {
            assert_eq!(specifiers(poetry).as_deref(), standard, "{poetry}");
        }
    }

    #[test]
    fn a_python_constraint_becomes_a_marker() {
        assert_eq!(python_marker(">=3.8,<4"), "python_full_version >= \"3.8\" and python_full_version < \"4\"");
    }
}
