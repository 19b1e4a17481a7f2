//! The cache folder of the builder: content by its hash, and small JSON records by a key.
//!
//! Nothing in it is ever changed: a file appears whole under its final name, or not at all, so that an interrupted build
//! leaves nothing that a later one could trip over. Everything in it can be made again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::model::Digest;

/// The cache folder could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the cache at {} cannot be used: {source}", path.display())]
pub struct CacheError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl CacheError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::StorageFull => Some("free some space on its disk, or run `nonevent gc`".into()),
            io::ErrorKind::PermissionDenied => Some("give yourself the right to write there, or set NONEVENT_HOME".into()),
            _ => None,
        }
    }
}

/// A folder of content that can be made again.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where a blob with this digest lies, if it is there.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.hex())
    }

    /// Where a wheel with this sha256 (hex) lies, if it is there.
    pub(crate) fn wheel(&self, sha256: &str) -> PathBuf {
        self.root.join("wheels").join(sha256)
    }

    /// Opens a nameless file on the same file system, to be given its final name by `keep`.
    pub(crate) fn draft(&self) -> Result<NamedTempFile, CacheError> {
        let folder = self.root.join("drafts");
        let failed = |source| CacheError { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        NamedTempFile::new_in(&folder).map_err(failed)
    }

    /// Gives a finished draft its final name.
    pub(crate) fn keep(&self, draft: NamedTempFile, path: &Path) -> Result<(), CacheError> {
        let failed = |source| CacheError { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        draft.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Reads a record. One that is not there, or that an older program wrote in another shape, is `None`.
    pub(crate) fn record<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.record_path(kind, key)).ok()?).ok()
    }

    /// Writes a record.
    pub(crate) fn put_record<T: Serialize>(&self, kind: &str, key: &str, value: &T) -> Result<(), CacheError> {
        let path = self.record_path(kind, key);
        let mut draft = self.draft()?;
        let failed = |source| CacheError { path: path.clone(), source };
        let bytes = serde_json::to_vec(value).map_err(|error| failed(error.into()))?;
        draft.write_all(&bytes).map_err(failed)?;
        self.keep(draft, &path)
    }

    fn record_path(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join("records").join(kind).join(format!("{key}.json"))
    }
}
