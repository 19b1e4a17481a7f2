//! Images: from locked wheels and a source tree to an image in the engine, and from a release to the image that its gates run in.
//!
//! The wheel builder (`wheels`) runs nothing of the project and needs no Dockerfile: the same wheels, source and base give the same
//! digest on any machine. Owns references, the pull side of registries, layers, and what is asked of an engine about images. Does not
//! run instances, and does not know releases, stores and rollouts.

mod base;
mod cache;
mod deliver;
mod development;
mod digest;
pub mod dockerfile;
mod error;
mod hold;
pub(crate) mod http;
mod inspect;
mod layer;
mod load;
mod oci;
mod platform;
mod python;
mod reference;
mod registry;
mod saved;
pub mod source;
mod tools;
pub mod wheels;

pub use base::{BaseImage, BaseOrigin, resolve_base};
pub use cache::CacheError;
pub use development::{DevelopmentBuild, DevelopmentImage, ToolVolume, development_image, read_sources};
pub use error::ImageError;
pub use hold::{Held, hold_pinned};
pub use http::HttpError;
pub use inspect::{EngineImage, inspect};
pub use layer::LayerError;
pub use platform::Platform;
pub use python::{Libc, LibcKind, PythonRuntime, python_runtime};
pub use reference::{Reference, ReferenceError};
pub use registry::RegistryError;
pub(crate) use registry::check_login;
pub use tools::tool_volumes;
