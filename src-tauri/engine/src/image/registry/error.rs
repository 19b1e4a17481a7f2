//! What a registry may answer instead of an image.

use crate::docker::LoginError;
use crate::image::cache::CacheError;
use crate::model::Digest;

/// Why a registry gave no image.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It does not answer.
    #[error("the registry {registry} does not answer: {reason}")]
    Unreachable {
        /// Its name or address.
        registry: String,
        /// What the connection said.
        reason: String,
    },
    /// It knows no such thing.
    #[error("the registry {registry} has no `{what}`")]
    NotFound {
        /// Its name or address.
        registry: String,
        /// What was asked for.
        what: String,
    },
    /// It wants a login, or another one.
    #[error("the registry {registry} gives `{repository}` only to those who are logged in and may read it")]
    LoginRequired {
        /// Its name or address.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// It does not take a login that was to be kept.
    #[error("the registry {registry} does not take this login of {username}")]
    LoginRefused {
        /// Its name or address.
        registry: String,
        /// The user.
        username: String,
    },
    /// A login is kept for it, and cannot be read.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Too much was asked of it.
    #[error("the registry {registry} wants fewer requests for now")]
    TooMany {
        /// Its name or address.
        registry: String,
    },
    /// It failed.
    #[error("the registry {registry} answered with status {status}")]
    Refused {
        /// Its name or address.
        registry: String,
        /// The HTTP status.
        status: u16,
    },
    /// What it sent is not what its digest promises.
    #[error("the registry {registry} sent {found} for {expected}: not used")]
    WrongContent {
        /// Its name or address.
        registry: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// It sent something that is no manifest.
    #[error("the registry {registry} sent something that cannot be read as {what}: {reason}")]
    Malformed {
        /// Its name or address.
        registry: String,
        /// What it should have been.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The image is made for other machines.
    #[error("`{repository}` has no image for {wanted}, only for {}", offered.join(", "))]
    NoPlatform {
        /// The repository.
        repository: String,
        /// The engine's platform.
        wanted: String,
        /// Platforms that there are images for.
        offered: Vec<String>,
    },
    /// The cache could not take it.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl RegistryError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some("check the network; an image that the engine holds already works without it".into()),
            Self::NotFound { .. } => Some("check the name and the tag".into()),
            Self::LoginRequired { registry, .. } => {
                Some(format!("run `docker login {registry}`, or `nonevent credential login {registry} -u USER`"))
            }
            Self::LoginRefused { .. } => {
                Some("type both again; some registries want an access token in place of the password".into())
            }
            Self::TooMany { registry } => Some(format!("wait a while, or run `docker login {registry}` to be allowed more")),
            Self::NoPlatform { .. } => Some("choose another base".into()),
            Self::Cache(error) => error.hint(),
            Self::Login(error) => error.hint(),
            Self::Refused { .. } | Self::WrongContent { .. } | Self::Malformed { .. } => None,
        }
    }
}
