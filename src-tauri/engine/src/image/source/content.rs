//! The bytes of a project's files, as the image gets them.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::image::digest;
use crate::image::layer::Content;
use crate::model::Digest;

/// Reads files of a project for a layer, and refuses those that changed since they were first read.
pub(crate) struct TreeContent {
    root: PathBuf,
}

/// A file of the tree, as it was when the tree was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TreeFile {
    /// A file of the project.
    Source { path: String, digest: String },
    /// Bytes that the builder made.
    Made(Vec<u8>),
}

impl TreeContent {
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Content<TreeFile> for TreeContent {
    fn open<'a>(&'a mut self, content: &'a TreeFile) -> io::Result<Box<dyn Read + 'a>> {
        match content {
            TreeFile::Made(bytes) => Ok(Box::new(Cursor::new(bytes))),
            TreeFile::Source { path, digest } => {
                let file = self.root.join(path);
                // Read again rather than kept: 50,000 files do not fit into memory, and the system has them in its own cache.
                let (found, _) = self::digest(&file, path)?;
                match found.as_str() == digest {
                    true => open(&file, path),
                    false => Err(io::Error::other("it changed while the image was made")),
                }
            }
        }
    }
}

/// Names a file's bytes as the image gets them, and counts them.
pub(super) fn digest(file: &Path, path: &str) -> io::Result<(Digest, u64)> {
    digest::of_reader(&mut open(file, path)?)
}

fn open(file: &Path, path: &str) -> io::Result<Box<dyn Read + 'static>> {
    match path {
        "pyproject.toml" => Ok(Box::new(Cursor::new(without_our_table(fs::read(file)?)))),
        _ => Ok(Box::new(File::open(file)?)),
    }
}

/// Takes `[tool.nonevent]` out of a `pyproject.toml`: how many replicas run is not part of the app. The rest keeps every byte.
fn without_our_table(bytes: Vec<u8>) -> Vec<u8> {
    let parsed = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse::<DocumentMut>().ok());
    let Some(mut document) = parsed else { return bytes };
    let Some(tool) = document.get_mut("tool").and_then(|tool| tool.as_table_like_mut()) else { return bytes };
    match tool.remove("nonevent") {
        Some(_) => document.to_string().into_bytes(),
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_table_is_taken_out() {
        let text = b"[project]\nname = \"shop\"  # kept\n\n[tool.ruff]\nline-length = 100\n\n[tool.nonevent.environments.local]\nreplicas = 3\n";
        let kept = String::from_utf8_lossy(&without_our_table(text.to_vec())).into_owned();
        assert_eq!(kept, "[project]\nname = \"shop\"  # kept\n\n[tool.ruff]\nline-length = 100\n");
        let untouched = b"[project]\nname='x'".to_vec();
        assert_eq!(without_our_table(untouched.clone()), untouched);
        let broken = b"[project\n".to_vec();
        assert_eq!(without_our_table(broken.clone()), broken);
    }
}
