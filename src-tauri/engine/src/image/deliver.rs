//! Gets an image into the engine with as few bytes as possible, and with more when fewer did not do.

use super::base::{BaseImage, BaseOrigin, hold_base};
use super::cache::Cache;
use super::digest::key;
use super::error::ImageError;
use super::http::Http;
use super::inspect::inspect;
use super::load::{Package, load};
use super::reference::Reference;
use super::registry::Registry;
use crate::docker::Docker;
use crate::model::Digest;

/// Loads an image that stands on a base, unless layers of an image that was loaded before make the base's part superfluous.
///
/// `line` names the row of images to which it belongs, such as `shop` or `shop-dev`: the last one loaded there is looked at first.
pub(crate) async fn deliver(
    docker: &Docker,
    package: &mut Package,
    base: &BaseImage,
    line: &str,
    cache: &Cache,
) -> Result<Digest, ImageError> {
    let base_layers = base.diff_ids.len();
    let mut present = layers_of_last(docker, package, line, cache).await?;
    if present < base_layers {
        hold_base(docker, base).await?;
        present = base_layers;
    }
    let id = match load(docker, package, present).await {
        Ok(id) => id,
        Err(error) => {
            tracing::debug!(image = package.tag, error = %error, "the engine wants more layers");
            hold_base(docker, base).await?;
            match load(docker, package, 0).await {
                Ok(id) => id,
                // The engine has the base's files, but not in the form that the manifest names.
                Err(error) if base.origin == BaseOrigin::Registry => {
                    tracing::debug!(image = package.tag, error = %error, "the engine wants the base's layers");
                    fetch_base_layers(docker, package, base, cache).await?;
                    load(docker, package, 0).await?
                }
                Err(error) => return Err(error),
            }
        }
    };
    remember(docker, line, &id, cache)?;
    Ok(id)
}

/// Remembers the last image of a row on this engine.
pub(crate) fn remember(docker: &Docker, line: &str, id: &Digest, cache: &Cache) -> Result<(), ImageError> {
    let key = last_key(docker, line);
    match cache.record::<Digest>("last-images", &key) {
        Some(known) if known == *id => Ok(()),
        _ => Ok(cache.put_record("last-images", &key, id)?),
    }
}

/// Counts the lowest layers that the image shares with the last one of its row.
async fn layers_of_last(docker: &Docker, package: &Package, line: &str, cache: &Cache) -> Result<usize, ImageError> {
    let Some(last) = cache.record::<Digest>("last-images", &last_key(docker, line)) else { return Ok(0) };
    let Some(image) = inspect(docker, last.as_str()).await? else { return Ok(0) };
    let shared = package.layers.iter().zip(&image.diff_ids).take_while(|(ours, theirs)| ours.reference.diff_id == **theirs);
    Ok(shared.count())
}

fn last_key(docker: &Docker, line: &str) -> String {
    key([docker.info.host.as_str(), &format!("{:?}", docker.info.store), line])
}

async fn fetch_base_layers(docker: &Docker, package: &mut Package, base: &BaseImage, cache: &Cache) -> Result<(), ImageError> {
    let reference = Reference::parse(&base.name)?;
    let (registry, _) = Registry::find(&Http::new(None)?, &reference, Some(&base.pinned.digest), &docker.info.mirrors).await?;
    for layer in package.layers.iter_mut().filter(|layer| layer.blob.is_none()) {
        registry.download(&layer.reference.digest, cache).await?;
        layer.blob = Some(cache.blob(&layer.reference.digest));
    }
    Ok(())
}
