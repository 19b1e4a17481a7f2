//! Files of the project that are put into a service's container: those of the source tree, never what Git ignores.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::model::{Digest, ServiceFile};
use crate::project::place::slashed;

/// Bytes and files that init scripts and configuration never have.
const LARGEST: u64 = 32 * 1024 * 1024;
const MOST: usize = 2000;

/// Why nothing can be put into the container.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotCopied {
    Absent,
    TooMuch,
    Unreadable(String),
}

/// Says what is too much, in words.
pub(super) fn limits() -> String {
    format!("{} MiB or {MOST} files", LARGEST / 1024 / 1024)
}

/// Lists a file, or the files of a folder, each with its place below `target`. A folder that Git ignores holds none: it is data.
pub(super) fn list(root: &Path, path: &Path, target: &str) -> Result<Vec<ServiceFile>, NotCopied> {
    let unreadable = |error: &dyn std::fmt::Display| NotCopied::Unreadable(error.to_string());
    let top = root.join(path);
    let metadata = match std::fs::metadata(&top) {
        Ok(metadata) => metadata,
        // Compose makes a folder that is not there; a file that is not there is a mistake.
        Err(_) if path.extension().is_none() => return Ok(Vec::new()),
        Err(_) => return Err(NotCopied::Absent),
    };
    let mut found = Vec::new();
    if metadata.is_file() {
        found.push(path.to_owned());
    } else if metadata.is_dir() {
        let (own, wanted) = (root.to_owned(), path.to_owned());
        let mut walk = ignore::WalkBuilder::new(root);
        walk.hidden(false).require_git(false).follow_links(false);
        walk.filter_entry(move |entry| {
            let relative = entry.path().strip_prefix(&own).unwrap_or(entry.path());
            (relative.starts_with(&wanted) || wanted.starts_with(relative)) && entry.file_name() != ".git"
        });
        for entry in walk.build() {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
            if entry.path().is_file() && relative.starts_with(path) {
                found.push(relative);
            }
            if found.len() > MOST {
                return Err(NotCopied::TooMuch);
            }
        }
    }
    found.sort();
    let mut bytes = 0;
    let mut files = Vec::new();
    for source in found {
        let place = root.join(&source);
        let metadata = std::fs::metadata(&place).map_err(|error| unreadable(&error))?;
        bytes += metadata.len();
        if bytes > LARGEST {
            return Err(NotCopied::TooMuch);
        }
        let content = std::fs::read(&place).map_err(|error| unreadable(&error))?;
        let below = source.strip_prefix(path).map(PathBuf::from).unwrap_or_default();
        let below = slashed(&below);
        files.push(ServiceFile {
            target: if below.is_empty() { target.to_owned() } else { format!("{target}/{below}") },
            executable: is_executable(&metadata),
            digest: Digest::new(format!("sha256:{}", hex::encode(Sha256::digest(&content)))),
            source,
            root: root.to_owned(),
        });
    }
    Ok(files)
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}
