//! Reading and writing the small files beside a project, and paths without a file system.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use url::Url;

use super::LockError;
use crate::model::Digest;

/// Reads a text; nothing when there is no such file.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, LockError> {
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(failed(path, "read", "it is not UTF-8")),
        },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(failed(path, "read", error)),
    }
}

/// Writes a text so that a reader, or a crash, sees either the old or the new one.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), LockError> {
    replace(path, text).map_err(|error| failed(path, "written", error))
}

/// Puts a new file in the place of an old one in one step, its folder made if need be.
pub(in crate::project) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // A temporary file is for its owner only; these are for whoever may read the project, as far as the umask lets them.
    let readable = std::fs::Permissions::from_mode(0o666);
    let mut temporary = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

fn failed(path: &Path, verb: &'static str, reason: impl ToString) -> LockError {
    LockError::File { path: path.to_path_buf(), verb, reason: reason.to_string() }
}

/// Returns the sha256 of bytes.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    Digest::new(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
}

/// Says in one line what is wrong with a TOML text.
pub(super) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    match error.span() {
        Some(span) => {
            let line = text.get(..span.start).map_or(0, |before| before.matches('\n').count());
            format!("line {}: {message}", line + 1)
        }
        None => message,
    }
}

/// Resolves `.` and `..` by name only.
pub(super) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match normal.components().next_back() {
                Some(Component::Normal(_)) => {
                    normal.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                Some(Component::ParentDir | Component::CurDir) | None => normal.push(".."),
            },
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => normal.push(component),
        }
    }
    normal
}

/// Returns the way from one folder to a path, both absolute, with `/` between its parts; `.` when they are the same.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (normalize(from), normalize(to));
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(common)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// Returns the last part of a URL, decoded.
pub(super) fn file_name(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    Some(percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned())
}
