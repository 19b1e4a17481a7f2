//! From a manifest's requirement to what uv resolves: PEP 508 joined with `tool.uv.sources`.
//!
//! The inverse reading, from a lock's record, is here too, so that both sides meet in one form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, MarkerTree, PackageName, VerbatimUrl, VersionOrUrl};
use toml::{Table, Value};
use url::Url;

use super::super::LockError;
use super::super::file::normalize;
use super::super::manifest::{Manifest, group_name};
use super::super::requirement::{FolderKind, Lfs, Requirement, Source};
use super::schema::Wish;
use super::workspace::{Unbuilt, Workspace, is_package};
use crate::project::manifest::parse_requirement;

/// Which list of a manifest a requirement stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The project's own dependencies, or a list of the workspace.
    Main,
    /// An extra.
    Extra(ExtraName),
    /// A dependency group.
    Group(String),
}

/// A manifest with the workspace that its sources are read in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'w> {
    pub(super) manifest: &'w Manifest,
    pub(super) workspace: &'w Workspace,
}

/// Reads `tool.uv.sources`: for each package one source or several.
pub(super) fn sources_of(manifest: &Manifest) -> BTreeMap<PackageName, Vec<Table>> {
    let mut sources = BTreeMap::new();
    for (name, value) in manifest.section(&["tool", "uv", "sources"]).into_iter().flatten() {
        let Ok(name) = PackageName::new(name.clone()) else { continue };
        let list = match value {
            Value::Table(table) => vec![table.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_table).cloned().collect(),
            _ => Vec::new(),
        };
        sources.insert(name, list);
    }
    sources
}

impl Owner<'_> {
    /// Turns one written requirement into what uv resolves: one for each source, and one for where none applies.
    pub(super) fn lower(&self, text: &str, place: &Place) -> Result<Vec<Requirement>, LockError> {
        let parsed = parse_requirement(text).map_err(|reason| self.manifest.broken(format!("`{text}`: {reason}")))?;
        let parsed = match place {
            Place::Extra(extra) => parsed.with_extra_marker(extra),
            Place::Main | Place::Group(_) => parsed,
        };
        let mut extras = parsed.extras.clone();
        extras.sort();
        extras.dedup();
        let (name, marker) = (parsed.name.clone(), parsed.marker.clone());
        let make = |marker, source| Requirement { name: name.clone(), extras: extras.clone(), marker, source };
        let plain = written_source(&parsed);

        let own = sources_of(self.manifest).remove(&name).map(|sources| (sources, self.manifest));
        let shared = || sources_of(&self.workspace.root).remove(&name).map(|sources| (sources, &self.workspace.root));
        let Some((sources, base)) = own.or_else(shared) else { return Ok(vec![make(marker, plain)]) };

        let mut lowered = Vec::new();
        let mut uncovered = MarkerTree::TRUE;
        for source in sources.iter().filter(|source| applies(source, place)) {
            let when = self.marker_of(source)?;
            uncovered.and(when.negate());
            let mut both = when;
            both.and(marker.clone());
            lowered.push(make(both, self.source(source, &parsed, base)?));
        }
        uncovered.and(marker);
        lowered.push(make(uncovered, plain));
        lowered.retain(|requirement| !requirement.marker.is_false());
        Ok(lowered)
    }

    fn marker_of(&self, source: &Table) -> Result<MarkerTree, LockError> {
        match source.get("marker").and_then(Value::as_str) {
            Some(text) => {
                MarkerTree::from_str(text).map_err(|_| self.manifest.broken(format!("`{text}` in tool.uv.sources is no marker")))
            }
            None => Ok(MarkerTree::TRUE),
        }
    }

    fn source(
        &self,
        source: &Table,
        requirement: &pep508_rs::Requirement<VerbatimUrl>,
        base: &Manifest,
    ) -> Result<Source, LockError> {
        let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| source.get(key).and_then(Value::as_bool);
        if let Some(url) = text("git") {
            let kinds = ["rev", "tag", "branch"];
            let reference = kinds.iter().find_map(|kind| text(kind).map(|value| format!("{kind}={value}")));
            let lfs = if flag("lfs") == Some(true) { Lfs::Fetched } else { Lfs::Left };
            return Ok(Source::Git { url: repository_url(&url), reference, subdirectory: text("subdirectory"), lfs });
        }
        if let Some(url) = text("url") {
            return Ok(Source::Url { url: plain_url(&url), subdirectory: text("subdirectory") });
        }
        if let Some(path) = text("path") {
            let path = normalize(&base.dir.join(path));
            return Ok(local(path, flag("editable"), flag("package")));
        }
        if let Some(index) = text("index") {
            let url = self.index_url(&index)?;
            let project = self.manifest.name().map(|name| name.to_string()).unwrap_or_default();
            let conflict = match (text("extra"), text("group")) {
                (Some(extra), _) => Some(format!("{project} extra {}", group_name(&extra))),
                (None, Some(group)) => Some(format!("{project} group {}", group_name(&group))),
                (None, None) => None,
            };
            return Ok(Source::Index { specifier: specifier(requirement), index: Some(url), conflict });
        }
        if flag("workspace") == Some(true) {
            return self.member(&requirement.name, source);
        }
        Err(self.manifest.broken(format!("the source of `{}` in tool.uv.sources is not understood", requirement.name)))
    }

    fn member(&self, name: &PackageName, source: &Table) -> Result<Source, LockError> {
        let Some(member) = self.workspace.members.get(name) else {
            return Err(self.manifest.broken(format!("`{name}` is no member of the workspace")));
        };
        let required = self.workspace.required.get(name);
        let unbuilt = if required.is_some() { Unbuilt::Package } else { Unbuilt::Virtual };
        let kind = if !is_package(member, unbuilt) {
            FolderKind::Virtual
        } else {
            let said = source.get("editable").and_then(Value::as_bool).or(required.copied().flatten());
            if said.unwrap_or(true) { FolderKind::Editable } else { FolderKind::Copied }
        };
        Ok(Source::Folder { path: normalize(&member.dir), kind })
    }

    /// Finds an index by its name, in the project first and then in the workspace.
    fn index_url(&self, name: &str) -> Result<String, LockError> {
        [self.manifest, &self.workspace.root]
            .into_iter()
            .flat_map(indexes)
            .find(|index| index.get("name").and_then(Value::as_str) == Some(name))
            .and_then(|index| index.get("url")?.as_str().map(plain_url))
            .ok_or_else(|| self.manifest.broken(format!("tool.uv.sources names the index `{name}`, which is not declared")))
    }
}

/// Lists the indexes that a manifest declares.
pub(super) fn indexes(manifest: &Manifest) -> impl Iterator<Item = &Table> {
    let list = manifest.section(&["tool", "uv"]).and_then(|uv| uv.get("index")?.as_array());
    list.into_iter().flatten().filter_map(Value::as_table)
}

fn applies(source: &Table, place: &Place) -> bool {
    let wants = |key: &str| source.get(key).and_then(Value::as_str).map(group_name);
    let (extra, group) = (wants("extra"), wants("group"));
    let fits_extra = extra.is_none_or(|wanted| matches!(place, Place::Extra(extra) if extra.to_string() == wanted));
    let fits_group = group.is_none_or(|wanted| matches!(place, Place::Group(group) if *group == wanted));
    fits_extra && fits_group
}

fn specifier(requirement: &pep508_rs::Requirement<VerbatimUrl>) -> VersionSpecifiers {
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifier)) => specifier.clone(),
        Some(VersionOrUrl::Url(_)) | None => VersionSpecifiers::empty(),
    }
}

/// The source that a requirement itself names.
fn written_source(requirement: &pep508_rs::Requirement<VerbatimUrl>) -> Source {
    let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url else {
        return Source::Index { specifier: specifier(requirement), index: None, conflict: None };
    };
    let url = url.to_url();
    let fragment: BTreeMap<String, String> =
        url::form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes()).into_owned().collect();
    let subdirectory = fragment.get("subdirectory").cloned();
    if let Some(repository) = url.as_str().strip_prefix("git+") {
        let plain = repository_url(repository);
        // A reference follows an `@` in the path: `…/name.git@v1`.
        let (plain, reference) = match plain.rsplit_once('@') {
            Some((before, reference)) if before.contains("://") && !reference.contains('/') => {
                (before.to_owned(), Some(format!("rev={reference}")))
            }
            _ => (plain, None),
        };
        return Source::Git { url: plain, reference, subdirectory, lfs: Lfs::Left };
    }
    match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => local(normalize(&path), None, None),
        _ => Source::Url { url: plain_url(url.as_str()), subdirectory },
    }
}

fn local(path: PathBuf, editable: Option<bool>, package: Option<bool>) -> Source {
    let is_folder = path.metadata().map_or(path.extension().is_none(), |metadata| metadata.is_dir());
    if !is_folder {
        return Source::Archive { path };
    }
    let kind = if editable == Some(true) {
        FolderKind::Editable
    } else {
        let manifest = Manifest::read(&path).ok().flatten();
        let package = package.or_else(|| manifest.map(|manifest| is_package(&manifest, Unbuilt::Package)));
        if package.unwrap_or(true) { FolderKind::Copied } else { FolderKind::Virtual }
    };
    Source::Folder { path, kind }
}

/// Drops credentials and fragment from a URL.
pub(super) fn plain_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    // A URL that cannot hold credentials has none to drop.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url.to_string()
}

/// Drops the query as well, which a lock uses for the reference of a repository.
fn repository_url(text: &str) -> String {
    let plain = plain_url(text);
    plain.split_once('?').map_or(plain.clone(), |(before, _)| before.to_owned())
}

/// Reads a requirement as the lock recorded it; `None` when it is not understood.
pub(super) fn recorded(wish: &Wish, lock_dir: &Path) -> Option<Requirement> {
    let mut extras: Vec<ExtraName> =
        wish.extras.iter().map(|extra| ExtraName::new(extra.clone())).collect::<Result<_, _>>().ok()?;
    extras.sort();
    let marker = match &wish.marker {
        Some(text) => MarkerTree::from_str(text).ok()?,
        None => MarkerTree::TRUE,
    };
    let from = &wish.source;
    let folder = |path: &str, kind| Source::Folder { path: normalize(&lock_dir.join(path)), kind };
    let source = if let Some(git) = &from.git {
        recorded_git(git)
    } else if let Some(url) = &from.url {
        Source::Url { url: plain_url(url), subdirectory: from.subdirectory.clone() }
    } else if let Some(path) = &from.path {
        Source::Archive { path: normalize(&lock_dir.join(path)) }
    } else if let Some(path) = &from.editable {
        folder(path, FolderKind::Editable)
    } else if let Some(path) = &from.r#virtual {
        folder(path, FolderKind::Virtual)
    } else if let Some(path) = &from.directory {
        folder(path, FolderKind::Copied)
    } else {
        let specifier = VersionSpecifiers::from_str(wish.specifier.as_deref().unwrap_or_default()).ok()?;
        let conflict = wish.conflict.as_ref().map(conflict_item);
        Source::Index { specifier, index: wish.index.as_deref().map(plain_url), conflict }
    };
    Some(Requirement { name: PackageName::new(wish.name.clone()).ok()?, extras, marker, source })
}

/// Writes a conflicting item, such as `{ package = "app", extra = "cpu" }`, as one text.
pub(super) fn conflict_item(item: &Table) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(group_name);
    let package = text("package").unwrap_or_default();
    match (text("extra"), text("group")) {
        (Some(extra), _) => format!("{package} extra {extra}"),
        (None, Some(group)) => format!("{package} group {group}"),
        (None, None) => format!("{package} project"),
    }
}

fn recorded_git(text: &str) -> Source {
    let pairs: BTreeMap<String, String> =
        Url::parse(text).map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default();
    let kinds = ["rev", "tag", "branch"];
    Source::Git {
        url: repository_url(text),
        reference: kinds.iter().find_map(|kind| pairs.get(*kind).map(|value| format!("{kind}={value}"))),
        subdirectory: pairs.get("subdirectory").cloned(),
        lfs: if pairs.get("lfs").is_some_and(|lfs| lfs == "true") { Lfs::Fetched } else { Lfs::Left },
    }
}
