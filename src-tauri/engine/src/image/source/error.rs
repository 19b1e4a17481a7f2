//! Why a project's files cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a project's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Unreadable {
        /// Its path below the project's folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is not there.
    #[error("there is no folder {}", root.display())]
    NoFolder {
        /// Where it should be.
        root: PathBuf,
    },
    /// A glob of the settings or of an ignore file is none.
    #[error("`{pattern}` in {file} is no pattern: {reason}")]
    Pattern {
        /// What was written.
        pattern: String,
        /// Where.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl SourceError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!("give yourself the right to read it, or leave it out: `[build] exclude = [\"{path}\"]`"))
            }
            Self::Pattern { .. } => Some("patterns are written as in `.gitignore`".into()),
            Self::Unreadable { .. } | Self::NoFolder { .. } => None,
        }
    }
}
