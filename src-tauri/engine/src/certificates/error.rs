//! Why a certificate cannot be made, or not be trusted.

use std::path::PathBuf;

/// What may go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file of the authority cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The authority's key is none.
    #[error("{path} holds no key: {source}", path = .path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rcgen::Error,
    },
    /// The authority may not vouch for this name.
    #[error("{host} is not a local name")]
    NotLocal {
        /// The host name.
        host: String,
    },
    /// A key or a signature could not be made.
    #[error("a certificate could not be made: {0}")]
    Signing(rcgen::Error),
    /// The clock shows a day near the end of the calendar.
    #[error("a certificate could not be made: the clock of this computer shows no usable day")]
    Calendar,
}

impl CertificateError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } => Some("see that the state folder can be written to".into()),
            Self::BadKey { path, .. } => {
                let folder = path.parent().unwrap_or(path).display();
                Some(format!("remove the folder {folder}; the next ship makes a new authority, which has to be trusted again"))
            }
            Self::NotLocal { .. } => Some(
                "for a domain of your own, write `https = \"acme\"` in the environment; local names end in .localhost".into(),
            ),
            Self::Calendar => Some("set the clock of this computer".into()),
            Self::Signing(_) => None,
        }
    }
}
