//! Why an image could not be made.

use super::cache::CacheError;
use super::http::HttpError;
use super::layer::LayerError;
use super::reference::ReferenceError;
use super::registry::RegistryError;
use super::source::SourceError;
use super::wheels::WheelError;
use crate::docker::said;
use crate::model::Digest;

/// Why an image could not be made, or made ready for use.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The base's name is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// HTTP cannot be used on this machine.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Neither a registry nor the engine has the base.
    #[error("`{reference}` is neither in a registry nor in the engine")]
    NoBase {
        /// What was asked for.
        reference: String,
        /// What the registry said.
        #[source]
        registry: Box<RegistryError>,
        /// What the engine said when it was asked to pull it.
        engine: String,
    },
    /// The base that a lock pins is gone.
    #[error("`{reference}` is pinned to {digest}, and that is neither in its registry nor in the engine")]
    PinGone {
        /// The base as it was written.
        reference: String,
        /// The pinned digest.
        digest: Digest,
    },
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The image has no Python.
    #[error("{image} has no Python 3 that runs: {reason}", image = .image.short())]
    NoPython {
        /// The image.
        image: Digest,
        /// What was tried and came back.
        reason: String,
    },
    /// The base runs another Python than the project wants.
    #[error("the project wants Python {wanted}, `{base}` runs {found}")]
    OtherPython {
        /// The base.
        base: String,
        /// `MAJOR.MINOR` that the settings name.
        wanted: String,
        /// What it runs.
        found: String,
    },
    /// A wheel cannot be used.
    #[error(transparent)]
    Wheel(#[from] WheelError),
    /// The project's files cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A layer could not be made.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The image's description could not be written.
    #[error("the image's description could not be written: {reason}")]
    Description {
        /// What is wrong with it.
        reason: String,
    },
    /// The engine refused something.
    #[error("the engine could not {operation}: {reason}")]
    Engine {
        /// What was asked, as a verb: `inspect …`, `load …`.
        operation: String,
        /// What it said.
        reason: String,
    },
    /// The engine took an image and made another one of it.
    #[error("the engine loaded `{tag}`, but holds no image {expected} now")]
    LoadedOther {
        /// The image's name.
        tag: String,
        /// What it should be called.
        expected: Digest,
    },
    /// A part of the work ended early.
    #[error("a part of the build ended early: {reason}")]
    Interrupted {
        /// Why.
        reason: String,
    },
}

impl ImageError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reference(error) => error.hint(),
            Self::Http(_) | Self::Description { .. } | Self::Interrupted { .. } => None,
            Self::NoBase { registry, .. } => registry.hint(),
            Self::PinGone { .. } => Some("run `nonevent lock` to pin what the tag names today".into()),
            Self::Registry(error) => error.hint(),
            Self::NoPython { .. } => Some("choose a base with Python, such as `python:3.13-slim`".into()),
            Self::OtherPython { wanted, .. } => Some(format!("set `[build] base = \"python:{wanted}-slim\"`")),
            Self::Wheel(error) => error.hint(),
            Self::Source(error) => error.hint(),
            Self::Layer(LayerError::Cache(error)) | Self::Cache(error) => error.hint(),
            Self::Layer(LayerError::Unreadable { .. }) => Some("build again when nothing writes into the project".into()),
            Self::Layer(LayerError::Write(_)) => None,
            Self::Engine { reason, .. } if reason.contains("no space left") => Some(
                "the engine's disk is full: `nonevent gc` removes what no rollback needs, `docker system df` shows the rest"
                    .into(),
            ),
            Self::Engine { .. } => Some("`docker info` tells whether the engine is well".into()),
            Self::LoadedOther { .. } => {
                Some("the engine's image store and Nonevent disagree; please report this with the engine's version".into())
            }
        }
    }

    pub(crate) fn engine(operation: impl Into<String>, error: &bollard::errors::Error) -> Self {
        Self::Engine { operation: operation.into(), reason: said(error) }
    }

    pub(crate) fn interrupted(error: &tokio::task::JoinError) -> Self {
        Self::Interrupted { reason: error.to_string() }
    }
}
