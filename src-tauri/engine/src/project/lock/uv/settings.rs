//! What a workspace settles beside its dependencies: constraints, overrides, environments, conflicts, options, indexes.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pep508_rs::MarkerTree;
use toml::Value;

use super::super::LockError;
use super::super::findings::Written;
use super::super::manifest::{Manifest, group_name};
use super::super::requirement::{Requirement, same_marker};
use super::fresh::Look;
use super::lower::{Owner, Place, conflict_item, indexes};
use super::schema::Wish;
use super::{groups, lower, options};
use crate::project::manifest::parse_requirement;

/// Compares everything that only the root of the workspace may say.
pub(super) fn check(look: &mut Look<'_>) -> Result<(), LockError> {
    environments(look)?;
    conflicts(look);
    options::check(look)?;
    dependency_metadata(look);
    registries(look);
    Ok(())
}

impl Look<'_> {
    /// Compares the lists of requirements that belong to the whole workspace.
    pub(super) fn lists(&mut self) -> Result<(), LockError> {
        let workspace = self.workspace;
        let manifest = &workspace.root;
        let owner = Owner { manifest, workspace };
        let words = self.words(manifest);
        let then = self.lock.manifest.clone();
        for (key, then) in
            [("constraint-dependencies", &then.constraints), ("build-constraint-dependencies", &then.build_constraints)]
        {
            let asked = self.written(&owner, texts(manifest, key), &Place::Main)?;
            let then = self.recorded(then)?;
            self.verdict.findings.extend(words.compare(&asked, &then, &format!(" in tool.uv.{key}")));
        }
        self.overrides(&owner, &then.overrides)?;

        let excluded = |values: &mut dyn Iterator<Item = &Value>| -> BTreeSet<String> { values.map(plain).collect() };
        let now = excluded(&mut setting(manifest, "exclude-dependencies").and_then(Value::as_array).into_iter().flatten());
        if now != excluded(&mut then.excludes.iter()) {
            self.stale(&format!("tool.uv.exclude-dependencies in {} changed", words.manifest));
        }

        if workspace.is_virtual_root() {
            let now = groups::of(manifest)?;
            let names: BTreeSet<&String> = now.keys().chain(then.dependency_groups.keys()).collect();
            for name in names {
                let asked = match now.get(name) {
                    Some(group) => self.group(&owner, name, group)?,
                    None => Vec::new(),
                };
                let then = self.recorded(then.dependency_groups.get(name).map_or(&[][..], Vec::as_slice))?;
                self.verdict.findings.extend(words.compare(&asked, &then, &format!(" in group `{name}`")));
            }
        }
        Ok(())
    }

    /// Overrides are requirements, or requirements of one package only.
    fn overrides(&mut self, owner: &Owner<'_>, then: &[Value]) -> Result<(), LockError> {
        let words = self.words(owner.manifest);
        let mut asked: BTreeMap<String, Vec<Written>> = BTreeMap::new();
        let list = setting(owner.manifest, "override-dependencies").and_then(Value::as_array);
        for entry in list.into_iter().flatten() {
            let (scope, texts) = match entry {
                Value::String(text) => (String::new(), vec![text.clone()]),
                other => (plain(other.get("package").unwrap_or(other)), dependencies(other).iter().map(plain).collect()),
            };
            asked.entry(scope).or_default().extend(self.written(owner, texts, &Place::Main)?);
        }
        let mut recorded: BTreeMap<String, Vec<Requirement>> = BTreeMap::new();
        for entry in then {
            let scope = entry.get("package").map(plain).unwrap_or_default();
            let wishes: Vec<Value> = if scope.is_empty() { vec![entry.clone()] } else { dependencies(entry) };
            let wishes: Vec<Wish> = wishes.into_iter().filter_map(|wish| wish.try_into().ok()).collect();
            recorded.entry(scope).or_default().extend(self.recorded(&wishes)?);
        }
        let scopes: BTreeSet<String> = asked.keys().chain(recorded.keys()).cloned().collect();
        for scope in scopes {
            let (now, then) = (asked.remove(&scope).unwrap_or_default(), recorded.remove(&scope).unwrap_or_default());
            self.verdict.findings.extend(words.compare(&now, &then, " in tool.uv.override-dependencies"));
        }
        Ok(())
    }
}

fn dependencies(entry: &Value) -> Vec<Value> {
    entry.get("dependencies").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Writes a value so that two of them can be compared.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn setting<'m>(manifest: &'m Manifest, key: &str) -> Option<&'m Value> {
    manifest.section(&["tool", "uv"])?.get(key)
}

/// Reads a list of texts, or a single one.
fn texts(manifest: &Manifest, key: &str) -> Vec<String> {
    match setting(manifest, key) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn environments(look: &mut Look<'_>) -> Result<(), LockError> {
    let root = &look.workspace.root;
    for (key, then) in
        [("environments", look.lock.supported_markers.clone()), ("required-environments", look.lock.required_markers.clone())]
    {
        let parse = |texts: &[String]| -> Option<Vec<MarkerTree>> {
            texts.iter().map(|text| Some(look.python.simplify(MarkerTree::from_str(text).ok()?))).collect()
        };
        let now =
            parse(&texts(root, key)).ok_or_else(|| root.broken(format!("tool.uv.{key} holds something that is no marker")))?;
        let same = |then: Vec<MarkerTree>| now.len() == then.len() && now.iter().zip(&then).all(|(a, b)| same_marker(a, b));
        if !parse(&then).is_some_and(same) {
            look.stale(&format!("tool.uv.{key} in pyproject.toml changed"));
        }
    }
    Ok(())
}

fn conflicts(look: &mut Look<'_>) {
    let mut now: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    let mut includes = false;
    for member in look.workspace.members.values().chain([&look.workspace.root]) {
        let own = member.name().map(|name| name.to_string());
        for set in setting(member, "conflicts").and_then(Value::as_array).into_iter().flatten() {
            let items = set.as_array().into_iter().flatten().filter_map(Value::as_table).map(|item| {
                let mut item = item.clone();
                if let (false, Some(own)) = (item.contains_key("package"), &own) {
                    item.insert("package".into(), Value::String(own.clone()));
                }
                conflict_item(&item)
            });
            now.insert(items.collect());
        }
        includes |= member
            .section(&["dependency-groups"])
            .is_some_and(|groups| groups.values().flat_map(|group| group.as_array().into_iter().flatten()).any(Value::is_table));
    }
    let then: BTreeSet<BTreeSet<String>> =
        look.lock.conflicts.iter().map(|set| set.iter().map(conflict_item).collect()).collect();
    // uv adds sets of its own for groups that include one another.
    let same = if includes { now.is_subset(&then) && now.is_empty() == then.is_empty() } else { now == then };
    if !same {
        look.stale("tool.uv.conflicts in pyproject.toml changed");
    }
}

fn dependency_metadata(look: &mut Look<'_>) {
    let table = |value: &Value| {
        let list = |key: &str| -> BTreeSet<String> {
            let entries = value.get(key).and_then(Value::as_array).into_iter().flatten().map(plain);
            let normal = |text: String| match parse_requirement(&text) {
                Ok(requirement) => requirement.to_string(),
                Err(_) => text,
            };
            entries.map(normal).collect()
        };
        let text = |key: &str| value.get(key).map(plain).unwrap_or_default();
        (group_name(&text("name")), text("version"), list("requires-dist"))
    };
    let now: BTreeSet<_> =
        setting(&look.workspace.root, "dependency-metadata").and_then(Value::as_array).into_iter().flatten().map(table).collect();
    let then: BTreeSet<_> = look.lock.manifest.dependency_metadata.iter().map(table).collect();
    if now != then {
        look.stale("tool.uv.dependency-metadata in pyproject.toml changed");
    }
}

/// Finds packages from an index that is no longer declared. Where none is, any will do.
fn registries(look: &mut Look<'_>) {
    let members = look.workspace.members.values().chain([&look.workspace.root]);
    let mut declared: BTreeSet<String> = BTreeSet::new();
    let mut has_default = false;
    for member in members {
        for index in indexes(member) {
            has_default |= index.get("default").and_then(Value::as_bool) == Some(true);
            declared.extend(index.get("url").and_then(Value::as_str).map(trimmed));
        }
        for key in ["index-url", "extra-index-url", "find-links"] {
            let urls = texts(member, key);
            has_default |= key == "index-url" && !urls.is_empty();
            declared.extend(urls.iter().map(|url| trimmed(url)));
        }
    }
    if declared.is_empty() {
        return;
    }
    let mut others: BTreeMap<String, &str> = BTreeMap::new();
    for package in &look.lock.packages {
        if let Some(registry) = package.source.registry.as_deref().filter(|registry| registry.contains("://")) {
            let registry = trimmed(registry);
            if !declared.contains(&registry) {
                others.entry(registry).or_insert(&package.name);
            }
        }
    }
    // One index may be the default, whose address nobody wrote down.
    let tolerated = if has_default { 0 } else { 1 };
    if others.len() > tolerated {
        let lines: Vec<String> = others.iter().map(|(url, name)| format!("`{name}` comes from {url}")).collect();
        look.stale(&format!("{}, which pyproject.toml does not name as an index", lines.join(", ")));
    }
}

fn trimmed(url: &str) -> String {
    lower::plain_url(url).trim_end_matches('/').to_owned()
}
