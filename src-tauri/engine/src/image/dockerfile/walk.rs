//! Walks a folder in the order that the engine insists on, and describes what it finds.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use bollard::fsutil::types::Stat;

use super::patterns::Patterns;

/// What of a folder takes part.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Only this, when there is any.
    pub(super) include: Patterns,
    /// Not this.
    pub(super) exclude: Patterns,
}

impl Selection {
    fn takes(&self, path: &str) -> bool {
        (self.include.is_empty() || self.include.matches(path)) && !self.exclude.matches(path)
    }

    fn reads(&self, folder: &str) -> bool {
        let included = self.include.is_empty() || self.include.matches(folder) || self.include.may_match_below(folder);
        included && (!self.exclude.matches(folder) || self.exclude.may_except_below(folder))
    }
}

/// Go's bits of a file's kind, which the protocol uses.
mod go {
    pub(super) const DIR: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const SETUID: u32 = 1 << 23;
    pub(super) const SETGID: u32 = 1 << 22;
    pub(super) const STICKY: u32 = 1 << 20;
}

/// Where descriptions go: returns whether somebody still listens. The path is there for files whose content may be asked for.
type Tell<'a> = &'a mut dyn FnMut(Stat, Option<PathBuf>) -> bool;

/// Describes every selected entry: folders before what is in them, names in byte order. A folder that is not selected is described
/// only if something in it is. Returns warnings about entries that cannot take part.
///
/// # Errors
/// When a folder cannot be read.
pub(super) fn walk(root: &Path, selection: &Selection, tell: Tell<'_>) -> io::Result<Vec<String>> {
    let mut walk = Walk { selection, tell, pending: Vec::new(), warnings: Vec::new() };
    walk.folder(root, "")?;
    Ok(walk.warnings)
}

struct Walk<'a> {
    selection: &'a Selection,
    tell: Tell<'a>,
    /// Folders on the way that were not described yet.
    pending: Vec<Stat>,
    warnings: Vec<String>,
}

impl Walk<'_> {
    /// Returns whether somebody still listens.
    fn folder(&mut self, folder: &Path, prefix: &str) -> io::Result<bool> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        let mut entries = std::fs::read_dir(folder).map_err(named)?.collect::<Result<Vec<_>, _>>().map_err(named)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                let shown = entry.path();
                self.warnings.push(format!("`{}` is left out: its name is not UTF-8", shown.to_string_lossy()));
                continue;
            };
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            // What vanishes while it is read is not there.
            let Ok(metadata) = entry.metadata() else { continue };
            if !self.entry(&entry.path(), path, &metadata)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn entry(&mut self, file: &Path, path: String, metadata: &Metadata) -> io::Result<bool> {
        let takes = self.selection.takes(&path);
        if metadata.is_dir() {
            if !takes && !self.selection.reads(&path) {
                return Ok(true);
            }
            let depth = self.pending.len();
            self.pending.push(stat(path.clone(), metadata, String::new()));
            let listened = (!takes || self.describe_pending()) && self.folder(file, &path)?;
            self.pending.truncate(depth);
            return Ok(listened);
        }
        if !takes {
            return Ok(true);
        }
        let (link, content) = if metadata.is_symlink() {
            let target = std::fs::read_link(file)?;
            let Some(target) = target.to_str() else {
                self.warnings.push(format!("`{path}` is left out: what it links to is not UTF-8"));
                return Ok(true);
            };
            (target.to_owned(), None)
        } else if metadata.is_file() {
            (String::new(), Some(file.to_owned()))
        } else {
            // Sockets and devices have no content that could be copied.
            return Ok(true);
        };
        Ok(self.describe_pending() && (self.tell)(stat(path, metadata, link), content))
    }

    fn describe_pending(&mut self) -> bool {
        std::mem::take(&mut self.pending).into_iter().all(|folder| (self.tell)(folder, None))
    }
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let mode = metadata.mode();
    let special = [(0o4000, go::SETUID), (0o2000, go::SETGID), (0o1000, go::STICKY)];
    special.into_iter().filter(|(bit, _)| mode & bit != 0).fold(mode & 0o777, |all, (_, bit)| all | bit)
}

/// Where there are no permissions everything may be run, as the docker CLI does on Windows.
#[cfg(not(unix))]
fn permissions(_: &Metadata) -> u32 {
    0o755
}

/// Owners are left out: a build shall not depend on who runs it.
fn stat(path: String, metadata: &Metadata, link: String) -> Stat {
    let kind = if metadata.is_dir() {
        go::DIR
    } else if metadata.is_symlink() {
        go::SYMLINK
    } else {
        0
    };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Stat {
        path,
        mode: permissions(metadata) | kind,
        size: if metadata.is_file() { i64::try_from(metadata.len()).unwrap_or(i64::MAX) } else { 0 },
        mod_time: modified.and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or_default(),
        linkname: link,
        ..Stat::default()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn paths(root: &Path, selection: &Selection) -> (Vec<String>, Vec<String>) {
        let mut paths = Vec::new();
        let warnings = walk(root, selection, &mut |stat: Stat, _| {
            paths.push(stat.path);
            true
        });
        (paths, warnings.expect("walk"))
    }

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, file).expect("file");
        }
        folder
    }

    #[test]
    fn entries_come_folder_by_folder_in_byte_order() {
        let tree = tree(&["a/b", "a.txt", "a-b", "B", "a/z/1"]);
        let (paths, _) = paths(tree.path(), &Selection::default());
        assert_eq!(paths, ["B", "a", "a/b", "a/z", "a/z/1", "a-b", "a.txt"]);
    }

    #[test]
    fn folders_that_are_excluded_appear_for_what_is_excepted_in_them() {
        let tree = tree(&["docs/a.md", "docs/deep/keep.md", "docs/zero.md", "src/main.py", "web/x"]);
        let selection = Selection { exclude: Patterns::new(["*", "!src", "!docs/deep/keep.md"]), include: Patterns::default() };
        let (paths, _) = paths(tree.path(), &selection);
        assert_eq!(paths, ["docs", "docs/deep", "docs/deep/keep.md", "src", "src/main.py"]);
    }

    #[test]
    fn only_what_is_included_takes_part() {
        let tree = tree(&["Dockerfile", "other", "sub/Dockerfile"]);
        let selection = Selection { include: Patterns::new(["Dockerfile", ".dockerignore"]), exclude: Patterns::default() };
        assert_eq!(paths(tree.path(), &selection).0, ["Dockerfile"]);
    }

    #[test]
    fn names_that_are_no_text_links_and_modes() {
        let tree = tree(&["run.sh"]);
        let odd = tree.path().join(std::ffi::OsStr::from_bytes(b"odd-\xff"));
        std::fs::write(odd, "").expect("file");
        std::os::unix::fs::symlink("/etc/passwd", tree.path().join("link")).expect("link");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
        std::fs::set_permissions(tree.path().join("run.sh"), mode).expect("permissions");
        let mut stats = Vec::new();
        let warnings = walk(tree.path(), &Selection::default(), &mut |stat: Stat, content| {
            stats.push((stat, content.is_some()));
            true
        });
        assert_eq!(warnings.expect("walk").len(), 1);
        assert_eq!(stats.len(), 2);
        assert_eq!((stats[0].0.linkname.as_str(), stats[0].1), ("/etc/passwd", false));
        assert_eq!((stats[1].0.mode, stats[1].0.size, stats[1].1), (go::SETUID | 0o755, 6, true));
    }
}
