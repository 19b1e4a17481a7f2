//! The base image: which one a name stands for, what it is made of, and that the engine holds it.
//!
//! A registry is asked first, the engine's mirrors before Docker Hub itself; without one, what the engine holds is the base.
//! What is known about a digest is remembered, so that a pinned base costs no request at all.

use std::path::Path;

use oci_spec::image::{Descriptor, ImageConfiguration};
use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::digest::key;
use super::error::ImageError;
use super::http::Http;
use super::inspect::{EngineImage, inspect};
use super::platform::Platform;
use super::python::{PythonRuntime, python_runtime};
use super::reference::Reference;
use super::registry::{Registry, RegistryError};
use super::saved::saved;
use crate::docker::{Docker, pull};
use crate::model::{Digest, PinnedImage};

/// The shape of what is remembered about a base.
const FORMAT: &str = "1";

/// A base image, resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseImage {
    /// The name as it was written, with the digest that it has: what `nonevent.lock` pins.
    pub pinned: PinnedImage,
    /// The full name, such as `docker.io/library/python:3.13-slim`.
    pub name: String,
    /// The digest of the platform's manifest; where the engine is the only source, of the image as the engine names it.
    pub digest: Digest,
    /// Where it came from.
    pub origin: BaseOrigin,
    /// What it is for.
    pub platform: Platform,
    /// Its config.
    pub config: ImageConfiguration,
    /// Its layers as a registry, or the engine, stores them; the lowest first.
    pub layers: Vec<Descriptor>,
    /// Its layers' diff ids, in the same order.
    pub diff_ids: Vec<Digest>,
    /// Its Python.
    pub python: PythonRuntime,
}

/// Where a base came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseOrigin {
    /// A registry told its manifest.
    Registry,
    /// Only the engine has it.
    Engine,
}

/// Resolves a base by its registry (mirrors first), at a pinned digest if one is given; where no registry answers, by the engine.
///
/// # Errors
/// When neither has it, when a pinned digest is gone, and when it has no Python.
pub async fn resolve_base(
    docker: &Docker,
    reference: &str,
    pinned: Option<&Digest>,
    cache: &Path,
) -> Result<BaseImage, ImageError> {
    let platform = Platform::of_engine(&docker.info);
    let store = Cache::at(cache);
    if let Some(pinned) = pinned
        && let Some(known) = store.record("bases", &record_key(reference, pinned, &platform))
    {
        return Ok(known);
    }
    let parsed = Reference::parse(reference)?;
    let pinned = pinned.cloned().or_else(|| parsed.digest());
    let found = match from_registry(docker, reference, &parsed, pinned.as_ref(), &platform, &store).await {
        Ok(Found::Known(base)) => return Ok(*base),
        Ok(Found::New(found)) => *found,
        Err(error) => from_engine(docker, reference, &parsed, pinned.as_ref(), &platform, error).await?,
    };
    let image = hold(docker, &found).await?;
    let python = python_runtime(docker, &image.id, cache).await?;
    let base = found.with(python);
    store.put_record("bases", &record_key(reference, &base.pinned.digest, &base.platform), &base)?;
    Ok(base)
}

/// Makes sure that the engine holds a base and its layers; pulls it when it does not.
///
/// # Errors
/// When the engine cannot pull it.
pub(crate) async fn hold_base(docker: &Docker, base: &BaseImage) -> Result<EngineImage, ImageError> {
    hold(docker, &Unprobed::of(base)).await
}

/// A base whose Python is not known yet.
struct Unprobed {
    pinned: PinnedImage,
    name: String,
    digest: Digest,
    origin: BaseOrigin,
    platform: Platform,
    config: ImageConfiguration,
    layers: Vec<Descriptor>,
    diff_ids: Vec<Digest>,
}

enum Found {
    Known(Box<BaseImage>),
    New(Box<Unprobed>),
}

impl Unprobed {
    fn of(base: &BaseImage) -> Self {
        Self {
            pinned: base.pinned.clone(),
            name: base.name.clone(),
            digest: base.digest.clone(),
            origin: base.origin,
            platform: base.platform.clone(),
            config: base.config.clone(),
            layers: base.layers.clone(),
            diff_ids: base.diff_ids.clone(),
        }
    }

    fn with(self, python: PythonRuntime) -> BaseImage {
        let Self { pinned, name, digest, origin, platform, config, layers, diff_ids } = self;
        BaseImage { pinned, name, digest, origin, platform, config, layers, diff_ids, python }
    }
}

fn record_key(reference: &str, digest: &Digest, platform: &Platform) -> String {
    key([FORMAT, reference, digest.as_str(), &platform.to_string()])
}

fn diff_ids(config: &ImageConfiguration) -> Vec<Digest> {
    config.rootfs().diff_ids().iter().map(Digest::new).collect()
}

async fn from_registry(
    docker: &Docker,
    written: &str,
    reference: &Reference,
    pinned: Option<&Digest>,
    platform: &Platform,
    store: &Cache,
) -> Result<Found, RegistryError> {
    let http = Http::new(None)
        .map_err(|error| RegistryError::Unreachable { registry: reference.registry().to_owned(), reason: error.to_string() })?;
    let (registry, digest) = Registry::find(&http, reference, pinned, &docker.info.mirrors).await?;
    if let Some(known) = store.record("bases", &record_key(written, &digest, platform)) {
        return Ok(Found::Known(known));
    }
    let resolved = registry.resolve(&digest, platform).await?;
    let config = ImageConfiguration::from_reader(resolved.config.as_slice()).map_err(|error| RegistryError::Malformed {
        registry: reference.registry().to_owned(),
        what: format!("the config of `{}`", reference.familiar()),
        reason: error.to_string(),
    })?;
    Ok(Found::New(Box::new(Unprobed {
        pinned: PinnedImage { reference: written.to_owned(), digest: resolved.digest },
        name: reference.to_string(),
        digest: resolved.manifest_digest,
        origin: BaseOrigin::Registry,
        platform: platform.clone(),
        diff_ids: diff_ids(&config),
        config,
        layers: resolved.manifest.layers().clone(),
    })))
}

/// Takes what the engine holds under that name; lets the engine try to pull it, which may reach what this process does not.
async fn from_engine(
    docker: &Docker,
    written: &str,
    reference: &Reference,
    pinned: Option<&Digest>,
    platform: &Platform,
    registry: RegistryError,
) -> Result<Unprobed, ImageError> {
    let name = match pinned {
        // Either a digest that it was pulled by, or the engine's own id.
        Some(digest) => match inspect(docker, &reference.at(digest)).await? {
            Some(_) => reference.at(digest),
            None => digest.as_str().to_owned(),
        },
        None => reference.to_string(),
    };
    let image = match inspect(docker, &name).await? {
        Some(image) => image,
        None if pinned.is_some_and(|_| matches!(registry, RegistryError::NotFound { .. })) => {
            return Err(ImageError::PinGone {
                reference: written.to_owned(),
                digest: pinned.cloned().unwrap_or_else(|| Digest::new("")),
            });
        }
        None => {
            let wanted = pinned.map_or_else(|| reference.to_string(), |digest| reference.at(digest));
            let pulled = pull(&docker.client, &wanted).await;
            let absent =
                |engine: String| ImageError::NoBase { reference: reference.familiar(), registry: Box::new(registry), engine };
            match pulled {
                Err(error) => return Err(absent(error.why())),
                Ok(()) => match inspect(docker, &wanted).await? {
                    Some(image) => image,
                    None => return Err(absent("it pulled another image".to_owned())),
                },
            }
        }
    };
    tracing::debug!(base = written, "no registry answered; the engine's own image is the base");
    let saved = saved(docker, &image).await?;
    Ok(Unprobed {
        pinned: PinnedImage { reference: written.to_owned(), digest: pinned.cloned().unwrap_or_else(|| image.id.clone()) },
        name: reference.to_string(),
        digest: saved.manifest.unwrap_or_else(|| image.id.clone()),
        origin: BaseOrigin::Engine,
        platform: platform.clone(),
        config: saved.config,
        layers: saved.layers,
        diff_ids: image.diff_ids,
    })
}

async fn hold(docker: &Docker, base: &Unprobed) -> Result<EngineImage, ImageError> {
    let reference = Reference::parse(&base.name)?;
    let pinned = reference.at(&base.pinned.digest);
    let names = [pinned.as_str(), base.digest.as_str(), base.pinned.digest.as_str(), base.name.as_str()];
    for name in names {
        if let Some(image) = inspect(docker, name).await?
            && image.diff_ids == base.diff_ids
        {
            return Ok(image);
        }
    }
    let refused = |reason| ImageError::Engine { operation: format!("pull {}", reference.familiar()), reason };
    pull(&docker.client, &pinned).await.map_err(|error| refused(error.why()))?;
    match inspect(docker, &pinned).await? {
        Some(image) if image.diff_ids == base.diff_ids => Ok(image),
        _ => Err(refused("it pulled an image with other layers".to_owned())),
    }
}
