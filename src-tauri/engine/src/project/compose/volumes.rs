//! `volumes`, `tmpfs`, `secrets` and `configs` of a service: what of it are files of the project, and what is data that begins empty.

use std::path::{Component, Path, PathBuf};

use super::files;
use super::service::{Notes, Reader};
use crate::model::ServiceFile;
use crate::project::known::{data, known};
use crate::project::yaml::{Node, Value};

/// Where Compose puts secrets.
const SECRETS: &str = "/run/secrets";

/// What mounts come to.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Files that are put into the container.
    pub files: Vec<ServiceFile>,
    /// Folders in memory.
    pub tmpfs: Vec<String>,
    /// Folders whose content is nothing of the project's.
    pub volumes: Vec<String>,
}

/// One mount.
struct Mount {
    kind: Kind,
    source: String,
    target: String,
    line: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bind,
    Volume,
    Tmpfs,
}

/// Reads `volumes`, short or long.
pub(super) fn read(reader: &Reader<'_>, node: &Node, image: &str, notes: &mut Notes<'_>) -> Mounts {
    let mut mounts = Mounts::default();
    for item in node.items() {
        let mount = match &item.value {
            Value::Text(text) => short(text, item.line, notes),
            Value::Table(_) => long(item, notes),
            _ => None,
        };
        let Some(mount) = mount else { continue };
        match mount.kind {
            Kind::Volume => mounts.volumes.push(mount.target),
            Kind::Tmpfs => mounts.tmpfs.push(mount.target),
            Kind::Bind => bind(reader, &mount, image, &mut mounts, notes),
        }
    }
    if node.items().is_empty() && node.value != Value::Null && !matches!(node.value, Value::List(_)) {
        notes.wrong("volumes", node);
    }
    mounts
}

fn short(text: &str, line: u32, notes: &mut Notes<'_>) -> Option<Mount> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target) = match parts.as_slice() {
        [target] => ("", *target),
        [source, target] | [source, target, _] => (*source, *target),
        _ => {
            notes.add(line, format!("the volume `{text}`"));
            return None;
        }
    };
    let kind = if source.starts_with(['.', '/', '~']) { Kind::Bind } else { Kind::Volume };
    Some(Mount { kind, source: source.to_owned(), target: target.trim_end_matches('/').to_owned(), line })
}

fn long(item: &Node, notes: &mut Notes<'_>) -> Option<Mount> {
    let text = |key: &str| item.get(key).and_then(Node::scalar).unwrap_or_default();
    let kind = match text("type").as_str() {
        "bind" => Kind::Bind,
        "volume" => Kind::Volume,
        "tmpfs" => Kind::Tmpfs,
        other => {
            notes.add(item.line, format!("the volume of type `{other}`"));
            return None;
        }
    };
    for (key, _) in item.entries() {
        // How a bind is made, and that it cannot be written to, holds for a copy anyway.
        let known = ["type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"];
        if !known.contains(&key.name.as_str()) {
            notes.add(key.line, format!("`volumes.{}`", key.name));
        }
    }
    if let Some(part) = item.get("volume").and_then(|volume| volume.get("subpath")) {
        notes.add(part.line, "`volumes.volume.subpath`".to_owned());
    }
    Some(Mount { kind, source: text("source"), target: text("target").trim_end_matches('/').to_owned(), line: item.line })
}

fn bind(reader: &Reader<'_>, mount: &Mount, image: &str, mounts: &mut Mounts, notes: &mut Notes<'_>) {
    let Mount { source, target, line, .. } = mount;
    let keeps = known(image).and_then(|known| data(known, image)).unwrap_or_default();
    // The developer's own database is neither what tests run against nor what an environment keeps.
    if !keeps.is_empty() && (keeps == *target || keeps.starts_with(&format!("{target}/"))) {
        mounts.volumes.push(target.clone());
        return;
    }
    let Some(path) = inside(reader.base, Path::new(source)) else {
        notes.left_out(*line, source, "lies outside the project");
        return;
    };
    match files::list(reader.root, &path, target) {
        Ok(found) => mounts.files.extend(found),
        Err(files::NotCopied::Absent) => notes.left_out(*line, source, "does not exist"),
        Err(files::NotCopied::TooMuch) => notes.left_out(*line, source, &format!("holds more than {}", files::limits())),
        Err(files::NotCopied::Unreadable(reason)) => notes.left_out(*line, source, &format!("cannot be read ({reason})")),
    }
}

/// Returns a path relative to the project, when it lies inside.
pub(super) fn inside(base: &Path, source: &Path) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in base.join(source).components() {
        match part {
            Component::Normal(name) if name.to_string_lossy().starts_with('~') && path.as_os_str().is_empty() => return None,
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Reads `tmpfs`: one folder or several, options after a colon.
pub(super) fn tmpfs(node: &Node, notes: &mut Notes<'_>) -> Vec<String> {
    let one = node.text().map(str::to_owned);
    let found: Vec<String> = one.into_iter().chain(node.items().iter().filter_map(Node::scalar)).collect();
    if found.is_empty() && node.value != Value::Null {
        notes.wrong("tmpfs", node);
    }
    found.into_iter().map(|entry| entry.split(':').next().unwrap_or_default().to_owned()).collect()
}

/// Reads `secrets` and `configs`, which name entries at the top of the file that come from files of the project.
pub(super) fn granted(reader: &Reader<'_>, key: &str, node: &Node, notes: &mut Notes<'_>) -> Vec<ServiceFile> {
    let mut found = Vec::new();
    for item in node.items() {
        let text = |key: &str| item.get(key).and_then(Node::scalar);
        let Some(name) = item.scalar().or_else(|| text("source")) else {
            notes.wrong(key, item);
            continue;
        };
        let usual = || if key == "secrets" { format!("{SECRETS}/{name}") } else { format!("/{name}") };
        let target = match text("target") {
            Some(target) if target.starts_with('/') => target,
            Some(target) if key == "secrets" => format!("{SECRETS}/{target}"),
            Some(target) => format!("/{target}"),
            None => usual(),
        };
        let file = reader.top.get(key).and_then(|all| all.get(&name)).and_then(|entry| entry.get("file")?.text());
        let listed =
            file.and_then(|file| inside(reader.base, Path::new(file))).map(|path| files::list(reader.root, &path, &target));
        match listed {
            Some(Ok(files)) if !files.is_empty() => found.extend(files),
            _ => notes.left_out(item.line, &format!("{key}.{name}"), "is no file of the project"),
        }
    }
    found
}
