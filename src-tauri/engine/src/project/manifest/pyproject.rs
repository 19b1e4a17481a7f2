//! Reads `pyproject.toml`: `[project]` (PEP 621), `[dependency-groups]` (PEP 735), `[build-system]` (PEP 518) and uv's table.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use toml::de::DeValue;

use super::{BuildSystem, Install, Manifest, normal, poetry, requirement, requirements};
use crate::project::document::Document;
use crate::project::section::{Section, quoted};
use crate::project::{At, Located, ProjectError};

/// What a group holds before its includes are resolved.
enum Member {
    Requirement(Located<String>),
    Include(Located<String>),
}

pub(super) fn read(root: &Path, document: &Document) -> Result<Manifest, ProjectError> {
    let table = document.table()?;
    let top = Section::top(document, table.get_ref(), At::new(document.file.as_path(), 1));
    let mut manifest = Manifest { file: Some(document.file.clone()), ..Manifest::default() };
    let project = top.section("project")?;
    if let Some(project) = &project {
        read_project(root, project, &mut manifest)?;
    }
    if let Some(build) = top.section("build-system")? {
        let requires = build.strings("requires")?.map(|requires| requires.value).unwrap_or_default();
        let backend = build.string("build-backend")?.map(|backend| backend.value);
        manifest.build_system = Some(BuildSystem { requires, backend });
        manifest.install = Install::Package;
    }
    manifest.groups = read_groups(&top)?;
    if let Some(tool) = top.section("tool")? {
        manifest.tools = tool.entries().into_iter().map(|entry| entry.name).collect();
        if let Some(poetry) = tool.section("poetry")? {
            poetry::read(&poetry, project.as_ref(), &mut manifest)?;
        }
        if let Some(uv) = tool.section("uv")? {
            read_uv(&uv, &mut manifest)?;
        }
    }
    let holds_nothing = project.is_none() && !manifest.tools.contains("poetry") && manifest.groups.is_empty();
    if holds_nothing {
        // A file with nothing but the settings of tools: the dependencies stand elsewhere.
        manifest.file = None;
    }
    Ok(manifest)
}

fn read_project(root: &Path, project: &Section<'_>, manifest: &mut Manifest) -> Result<(), ProjectError> {
    manifest.name = project.string("name")?;
    manifest.version = project.string("version")?.map(|version| version.value);
    manifest.requires_python = project.string("requires-python")?;
    if let Some(requires) = &manifest.requires_python
        && pep440_rs::VersionSpecifiers::from_str(&requires.value).is_err()
    {
        let (reason, hint) = ("it holds no version specifiers (PEP 440)".into(), "write `requires-python = \">=3.11\"`".into());
        return Err(project.bad("requires-python", &requires.at, &quoted(&requires.value), reason, hint));
    }
    manifest.dynamic = project.strings("dynamic")?.map(|dynamic| dynamic.value).unwrap_or_default();
    manifest.dependencies = requirement_list(project, "dependencies")?;
    if let Some(extras) = project.section("optional-dependencies")? {
        for (name, members) in lists(&extras)? {
            let found = members.into_iter().map(|member| match member {
                Member::Requirement(requirement) => checked(requirement),
                Member::Include(group) => Err(ProjectError::BadRequirement {
                    at: group.at,
                    requirement: format!("include-group = \"{}\"", group.value),
                    reason: "an extra holds requirements only".into(),
                }),
            });
            manifest.extras.insert(normal(&name), found.collect::<Result<_, _>>()?);
        }
    }
    for key in ["scripts", "gui-scripts"] {
        manifest.scripts.extend(project.string_table(key)?);
    }
    if manifest.dynamic.iter().any(|field| field == "dependencies") {
        requirements::fill_dynamic(root, project, manifest)?;
    }
    Ok(())
}

fn read_uv(uv: &Section<'_>, manifest: &mut Manifest) -> Result<(), ProjectError> {
    if let Some(package) = uv.flag("package")? {
        manifest.install = if package.value { Install::Package } else { Install::Folder };
    }
    let development = requirement_list(uv, "dev-dependencies")?;
    if !development.is_empty() {
        manifest.groups.entry("dev".into()).or_default().extend(development);
    }
    if let Some((_, DeValue::Array(_))) = uv.any("default-groups") {
        manifest.default_groups = uv.strings("default-groups")?.map(|groups| groups.value).unwrap_or_default();
    }
    Ok(())
}

/// Reads a list of requirements under a fixed key, each one checked.
fn requirement_list(section: &Section<'_>, key: &'static str) -> Result<Vec<Located<String>>, ProjectError> {
    let Some((at, value)) = section.any(key) else { return Ok(Vec::new()) };
    let example = format!("{key} = [\"fastapi>=0.115\"]");
    let Some(items) = value.as_array() else { return Err(section.wrong(key, at, "a list of requirements", value, &example)) };
    let mut found = Vec::new();
    for item in items {
        let Some(text) = item.get_ref().as_str() else {
            return Err(section.wrong(key, section.line_of(item), "a list of requirements", item.get_ref(), &example));
        };
        found.push(checked(Located::new(text.to_owned(), section.line_of(item)))?);
    }
    Ok(found)
}

/// Refuses a text that is no requirement.
pub(super) fn checked(requirement: Located<String>) -> Result<Located<String>, ProjectError> {
    match requirement::parse(&requirement.value) {
        Ok(_) => Ok(requirement),
        Err(reason) => Err(ProjectError::BadRequirement { at: requirement.at, requirement: requirement.value, reason }),
    }
}

/// Reads a table of lists whose names the project chose.
fn lists(section: &Section<'_>) -> Result<Vec<(String, Vec<Member>)>, ProjectError> {
    let mut found = Vec::new();
    for entry in section.entries() {
        let example = format!("{} = [\"pytest>=8\"]", entry.name);
        let wrong = |at: At, value: &DeValue<'_>| section.wrong(&entry.name, at, "a list of requirements", value, &example);
        let Some(items) = entry.value.as_array() else { return Err(wrong(entry.at.clone(), entry.value)) };
        let mut members = Vec::new();
        for item in items {
            let at = section.line_of(item);
            let include = item.get_ref().as_table().and_then(|table| table.get("include-group")?.get_ref().as_str());
            members.push(match (item.get_ref().as_str(), include) {
                (Some(text), _) => Member::Requirement(Located::new(text.to_owned(), at)),
                (None, Some(group)) => Member::Include(Located::new(group.to_owned(), at)),
                (None, None) => return Err(wrong(at, item.get_ref())),
            });
        }
        found.push((entry.name, members));
    }
    Ok(found)
}

fn read_groups(top: &Section<'_>) -> Result<BTreeMap<String, Vec<Located<String>>>, ProjectError> {
    let Some(section) = top.section("dependency-groups")? else { return Ok(BTreeMap::new()) };
    let written: BTreeMap<String, Vec<Member>> =
        lists(&section)?.into_iter().map(|(name, members)| (normal(&name), members)).collect();
    let mut resolved = BTreeMap::new();
    for name in written.keys() {
        let mut found = Vec::new();
        resolve(name, &written, &mut vec![name.clone()], &mut found)?;
        resolved.insert(name.clone(), found);
    }
    Ok(resolved)
}

/// Collects a group's requirements and those of the groups that it includes.
fn resolve(
    name: &str,
    written: &BTreeMap<String, Vec<Member>>,
    path: &mut Vec<String>,
    found: &mut Vec<Located<String>>,
) -> Result<(), ProjectError> {
    for member in written.get(name).into_iter().flatten() {
        match member {
            Member::Requirement(requirement) => {
                let requirement = checked(requirement.clone())?;
                if !found.iter().any(|other| other.value == requirement.value) {
                    found.push(requirement);
                }
            }
            Member::Include(include) => {
                let inner = normal(&include.value);
                let at = include.at.clone();
                if !written.contains_key(&inner) {
                    let known = written.keys().cloned().collect();
                    return Err(ProjectError::UnknownName {
                        at,
                        key: format!("dependency-groups.{name}"),
                        kind: "group",
                        name: inner,
                        known,
                    });
                }
                if path.contains(&inner) {
                    path.push(inner);
                    return Err(ProjectError::Cycle { at, what: "dependency groups", path: path.clone() });
                }
                path.push(inner.clone());
                resolve(&inner, written, path, found)?;
                path.pop();
            }
        }
    }
    Ok(())
}
