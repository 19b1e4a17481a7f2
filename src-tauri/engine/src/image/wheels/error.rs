//! What can be wrong with a wheel.

use crate::image::cache::CacheError;

/// Why a wheel cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// Its bytes are not those that were locked.
    #[error("sha256 of `{filename}` is {found}, the lock says {expected}: not used")]
    Mismatch {
        /// The wheel.
        filename: String,
        /// What came.
        found: String,
        /// What the lock says.
        expected: String,
    },
    /// Where it lies does not answer.
    #[error("`{filename}` cannot be downloaded: {host} does not answer: {reason}")]
    Unreachable {
        /// The wheel.
        filename: String,
        /// The host.
        host: String,
        /// What the connection said.
        reason: String,
    },
    /// Where it lies does not give it.
    #[error("`{filename}` cannot be downloaded: {host} answered with status {status}")]
    Refused {
        /// The wheel.
        filename: String,
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// Its address is none.
    #[error("`{filename}` cannot be downloaded: its address in the lock is none: {reason}")]
    Address {
        /// The wheel.
        filename: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It lies on this machine, and cannot be read there.
    #[error("`{filename}` cannot be read: {source}")]
    Unreadable {
        /// The wheel.
        filename: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what the wheel specification asks for.
    #[error("`{filename}` is no wheel that can be installed: {reason}")]
    Invalid {
        /// The wheel.
        filename: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two wheels write one path, with different bytes.
    #[error("`{first}` and `{second}` both install `{path}`, with different content")]
    Conflict {
        /// The path below the image's root.
        path: String,
        /// One wheel.
        first: String,
        /// The other.
        second: String,
    },
    /// An entry point names nothing that can be called.
    #[error("`{name} = {target}` is no entry point: write it as `module:function`")]
    EntryPoint {
        /// The script's name.
        name: String,
        /// What it should call.
        target: String,
    },
    /// The cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl WheelError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Mismatch { .. } => {
                Some("somebody replaced the file, or changed it on its way; find out before you lock it anew".into())
            }
            Self::Unreachable { .. } => Some("check the network; what was downloaded once is used without it".into()),
            Self::Refused { status: 401 | 403, host, .. } => {
                Some(format!("give {host} a login, as user and password in the index's address"))
            }
            Self::Refused { status: 404 | 410, .. } => Some("it was removed there: lock another version".into()),
            Self::Conflict { .. } => Some("remove one of the two from the project's dependencies".into()),
            Self::Cache(error) => error.hint(),
            Self::Refused { .. }
            | Self::Address { .. }
            | Self::Unreadable { .. }
            | Self::Invalid { .. }
            | Self::EntryPoint { .. } => None,
        }
    }

    pub(super) fn invalid(filename: &str, reason: impl Into<String>) -> Self {
        Self::Invalid { filename: filename.to_owned(), reason: reason.into() }
    }
}
