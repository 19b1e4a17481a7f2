//! Dependency groups as uv sees them: PEP 735, the older `tool.uv.dev-dependencies`, and Python ranges of single groups.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{MarkerExpression, MarkerTree, MarkerValueVersion};
use toml::Value;

use super::super::LockError;
use super::super::manifest::{Manifest, group_name};
use super::super::requirement::PythonRange;

/// The requirements of one group, each with the Pythons it is meant for.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) requirements: Vec<(String, MarkerTree)>,
}

/// Reads the groups of a manifest, with those that they include.
pub(super) fn of(manifest: &Manifest) -> Result<BTreeMap<String, Group>, LockError> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    // The flat list checks that inclusion ends; the ranges are then joined along the same way.
    for name in manifest.groups()?.into_keys() {
        let mut requirements = Vec::new();
        collect(manifest, &name, MarkerTree::TRUE, &mut requirements)?;
        groups.insert(name, Group { requirements });
    }
    let dev = manifest.section(&["tool", "uv"]).and_then(|uv| uv.get("dev-dependencies")?.as_array());
    if let Some(dev) = dev {
        let texts = dev.iter().filter_map(Value::as_str).map(|text| (text.to_owned(), MarkerTree::TRUE));
        groups.entry("dev".into()).or_default().requirements.extend(texts);
    }
    Ok(groups)
}

fn collect(
    manifest: &Manifest,
    name: &str,
    mut python: MarkerTree,
    into: &mut Vec<(String, MarkerTree)>,
) -> Result<(), LockError> {
    if let Some(range) = range(manifest, name)? {
        python.and(range);
    }
    let groups = manifest.section(&["dependency-groups"]);
    let entries = groups.into_iter().flatten().filter(|(key, _)| group_name(key) == name);
    for entry in entries.flat_map(|(_, entries)| entries.as_array().into_iter().flatten()) {
        match (entry.as_str(), entry.get("include-group").and_then(Value::as_str)) {
            (Some(text), _) => into.push((text.to_owned(), python.clone())),
            (None, Some(included)) => collect(manifest, &group_name(included), python.clone(), into)?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// Reads `tool.uv.dependency-groups.<name>.requires-python` as a marker.
fn range(manifest: &Manifest, name: &str) -> Result<Option<MarkerTree>, LockError> {
    let settings = manifest.section(&["tool", "uv", "dependency-groups"]);
    let setting = settings.into_iter().flatten().find(|(key, _)| group_name(key) == name);
    let Some(text) = setting.and_then(|(_, value)| value.get("requires-python")?.as_str()) else { return Ok(None) };
    let specifiers =
        VersionSpecifiers::from_str(text).map_err(|_| manifest.broken(format!("`{text}` is no range of Python versions")))?;
    let PythonRange { lower, upper } = PythonRange::of(&specifiers);
    let mut marker = MarkerTree::TRUE;
    marker.and(bound(VersionSpecifier::from_lower_bound(&lower), &lower));
    marker.and(bound(VersionSpecifier::from_upper_bound(&upper), &upper));
    Ok(Some(marker))
}

fn bound(specifier: Option<VersionSpecifier>, bound: &Bound<Version>) -> MarkerTree {
    match (specifier, bound) {
        (Some(specifier), Bound::Included(_) | Bound::Excluded(_)) => {
            MarkerTree::expression(MarkerExpression::Version { key: MarkerValueVersion::PythonFullVersion, specifier })
        }
        _ => MarkerTree::TRUE,
    }
}

/// Names the groups that uv installs when none is asked for (`tool.uv.default-groups`, else `dev`).
pub(super) fn default(manifest: &Manifest) -> Result<Vec<String>, LockError> {
    let known: BTreeSet<String> = of(manifest)?.into_keys().collect();
    let setting = manifest.section(&["tool", "uv"]).and_then(|uv| uv.get("default-groups"));
    let names: Vec<String> = match setting {
        Some(Value::String(all)) if all == "all" => known.iter().cloned().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(group_name).collect(),
        _ => vec!["dev".into()],
    };
    Ok(names.into_iter().filter(|name| known.contains(name)).collect())
}
