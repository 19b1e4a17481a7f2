//! Makes sure that the engine holds an image that others made: services, the proxy, bases.

use bollard::auth::DockerCredentials;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt;

use super::error::{ImageError, engine_message};
use super::inspect::inspect;
use super::reference::Reference;
use crate::docker::{Docker, Surroundings, login_for};
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
        pull(docker, &reference, &name).await.map_err(|reason| refused(&reference, reason))?;
        return Ok(held(written, &digest, &name));
    }
    let name = reference.to_string();
    if inspect(docker, &name).await?.is_none() {
        pull(docker, &reference, &name).await.map_err(|reason| refused(&reference, reason))?;
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

/// Pulls an image through the engine, with the login for its registry.
pub(super) async fn pull(docker: &Docker, reference: &Reference, name: &str) -> Result<(), String> {
    let options = CreateImageOptionsBuilder::new().from_image(name).build();
    let pulling = docker.client.create_image(Some(options), None, login(reference).await?);
    pulling.try_for_each(|_| std::future::ready(Ok(()))).await.map_err(|error| engine_message(&error))
}

/// The login for a registry, as an engine wants it when it pulls.
async fn login(reference: &Reference) -> Result<Option<DockerCredentials>, String> {
    let registry = reference.registry();
    let login = login_for(&Surroundings::of_process(), registry).await.map_err(|error| error.to_string())?;
    Ok(login.map(|login| DockerCredentials { serveraddress: Some(registry.to_owned()), ..login.credentials() }))
}
