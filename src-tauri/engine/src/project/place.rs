//! Where a value stands: a file of the project and a line.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::model::Origin;

/// A line of a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The file, relative to the project.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: u32,
}

impl At {
    /// Names a line of a file.
    pub fn new(file: impl Into<Arc<Path>>, line: u32) -> Self {
        Self { file: file.into(), line }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", slashed(&self.file), self.line)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: At,
}

impl<T> Located<T> {
    pub(super) fn new(value: T, at: At) -> Self {
        Self { value, at }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::File { file: self.at.file.to_path_buf(), line: self.at.line }
    }
}

/// Writes a path as people type it in a configuration: with slashes, and without what is not UTF-8.
pub(super) fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}
