//! Pulls images through the engine.

use bollard::auth::DockerCredentials;
use bollard::errors::Error as ApiError;
use bollard::models::ImageInspect;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt as _;

use super::login::{HUB, HUB_KEY};
use super::{Docker, LoginError, Surroundings, login_for, registry_of};

/// Why an image is not on the engine.
#[derive(Debug, thiserror::Error)]
#[error("image `{image}` cannot be pulled: {}", self.why())]
pub struct PullError {
    /// The image.
    pub image: String,
    /// What the engine said.
    pub reason: String,
    /// Why it was asked without a login, where one may be kept.
    pub login: Option<LoginError>,
}

impl PullError {
    /// Returns what the engine said, and why it was given no login.
    pub fn why(&self) -> String {
        match &self.login {
            Some(login) => format!("{}; {login}", self.reason),
            None => self.reason.clone(),
        }
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let log_in = || format!("check the name, the network, and the login of `{}` (`docker login`)", registry_of(&self.image));
        self.login.as_ref().and_then(LoginError::hint).or_else(|| Some(log_in()))
    }
}

impl Docker {
    /// Pulls an image unless it is there; returns what it is.
    ///
    /// `pulling` is told once, when there is something to pull.
    ///
    /// # Errors
    /// When it is not there and cannot be pulled.
    pub async fn ensure_image(&self, image: &str, pulling: impl AsyncFnOnce()) -> Result<ImageInspect, PullError> {
        if let Ok(found) = self.client.inspect_image(image).await {
            return Ok(found);
        }
        pulling().await;
        pull(&self.client, image).await?;
        let refused = |error: ApiError| PullError { image: image.to_owned(), reason: said(&error), login: None };
        self.client.inspect_image(image).await.map_err(refused)
    }
}

/// Pulls an image with the login that is kept for its registry. A login that cannot be read keeps nobody from what is public.
///
/// # Errors
/// When the engine cannot pull it.
pub(crate) async fn pull(client: &bollard::Docker, image: &str) -> Result<(), PullError> {
    let registry = registry_of(image);
    let (login, unread) = match login_for(&Surroundings::of_process(), registry).await {
        Ok(login) => (login, None),
        Err(error) => (None, Some(error)),
    };
    let credentials =
        login.map(|login| DockerCredentials { serveraddress: Some(server_address(registry)), ..login.credentials() });
    let options = CreateImageOptionsBuilder::new().from_image(&tagged(image)).build();
    let pulled = client.create_image(Some(options), None, credentials).try_for_each(|_| async { Ok(()) }).await;
    pulled.map_err(|error| PullError { image: image.to_owned(), reason: said(&error), login: unread })
}

/// The address of a registry as engines know it: with another one than they ask, containerd's store sends no login.
fn server_address(registry: &str) -> String {
    match registry {
        HUB => HUB_KEY.to_owned(),
        other => other.to_owned(),
    }
}

/// Without a tag the engine would pull every tag there is.
fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.contains([':', '@']) {
        true => image.to_owned(),
        false => format!("{image}:latest"),
    }
}

/// Returns what the engine said, without the client's words around it.
pub(crate) fn said(error: &ApiError) -> String {
    match error {
        ApiError::DockerResponseServerError { message, .. } => message.clone(),
        ApiError::DockerStreamError { error } => error.clone(),
        ApiError::RequestTimeoutError => "no answer in time".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_a_tag_means_latest() {
        let table = [
            ("redis", "redis:latest"),
            ("redis:8", "redis:8"),
            ("127.0.0.1:5000/redis", "127.0.0.1:5000/redis:latest"),
            ("redis@sha256:00", "redis@sha256:00"),
        ];
        for (image, expected) in table {
            assert_eq!(tagged(image), expected);
        }
    }
}
