//! Makes sure that the engine holds an image that others made: services, the proxy, bases.

use super::error::ImageError;
use super::inspect::inspect;
use super::reference::Reference;
use crate::docker::{Docker, pull};
use crate::model::{Digest, PinnedImage};

/// An image that the engine holds, and what it is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The name as it was written, with its digest.
    pub pinned: PinnedImage,
    /// What a container is made from: the name at that digest, or the engine's own id where no registry knows the image.
    pub reference: String,
}

/// Makes sure that the engine holds an image at its pinned digest; pins what it has, or pulls, where none is given.
///
/// # Errors
/// When the name is none, and when the image is neither there nor to be pulled.
pub async fn hold_pinned(docker: &Docker, written: &str, pinned: Option<&Digest>) -> Result<Held, ImageError> {
    let reference = Reference::parse(written)?;
    if let Some(digest) = pinned.cloned().or_else(|| reference.digest()) {
        let name = reference.at(&digest);
        for known in [name.as_str(), digest.as_str()] {
            if inspect(docker, known).await?.is_some() {
                return Ok(held(written, &digest, known));
            }
        }
        pull(&docker.client, &name).await.map_err(|error| refused(&reference, error.why()))?;
        return Ok(held(written, &digest, &name));
    }
    let name = reference.to_string();
    if inspect(docker, &name).await?.is_none() {
        pull(&docker.client, &name).await.map_err(|error| refused(&reference, error.why()))?;
    }
    let image =
        inspect(docker, &name).await?.ok_or_else(|| refused(&reference, "it pulled, and holds no such image".to_owned()))?;
    let known = image.digests.iter().find_map(|digest| digest.split_once('@')).map(|(_, digest)| Digest::new(digest));
    Ok(match known {
        Some(digest) => held(written, &digest, &reference.at(&digest)),
        None => held(written, &image.id, image.id.as_str()),
    })
}

fn held(written: &str, digest: &Digest, reference: &str) -> Held {
    Held { pinned: PinnedImage { reference: written.to_owned(), digest: digest.clone() }, reference: reference.to_owned() }
}

fn refused(reference: &Reference, reason: String) -> ImageError {
    ImageError::Engine { operation: format!("pull {}", reference.familiar()), reason }
}
