//! Makes sure that an image is on the engine.

use bollard::errors::Error as ApiError;
use bollard::models::ImageInspect;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::{Docker, LoginError, Surroundings, login_for, registry_of};

/// Why an image is not on the engine.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The engine could not pull it.
    #[error("image `{image}` cannot be pulled: {reason}")]
    Refused {
        /// The image.
        image: String,
        /// What the engine said.
        reason: String,
    },
    /// The login of its registry could not be read.
    #[error("image `{image}` cannot be pulled")]
    Login {
        /// The image.
        image: String,
        /// Why.
        #[source]
        error: LoginError,
    },
}

impl PullError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { image, .. } => {
                Some(format!("check the name, the network, and the login of `{}` (`docker login`)", registry_of(image)))
            }
            Self::Login { error, .. } => error.hint(),
        }
    }
}

impl Docker {
    /// Pulls an image unless it is there, with the login that the docker CLI keeps for its registry; returns what it is.
    ///
    /// `pulling` is told once, when there is something to pull.
    ///
    /// # Errors
    /// When it is not there and cannot be pulled.
    pub async fn ensure_image(&self, image: &str, pulling: impl AsyncFnOnce()) -> Result<ImageInspect, PullError> {
        if let Ok(found) = self.client.inspect_image(image).await {
            return Ok(found);
        }
        let refused = |error: ApiError| PullError::Refused { image: image.to_owned(), reason: said(&error) };
        let login = login_for(&Surroundings::of_process(), registry_of(image)).await;
        let login = login.map_err(|error| PullError::Login { image: image.to_owned(), error })?;
        pulling().await;
        let options = CreateImageOptionsBuilder::default().from_image(&tagged(image)).build();
        let mut steps = self.client.create_image(Some(options), None, login.map(|login| login.credentials()));
        while let Some(step) = steps.next().await {
            step.map_err(refused)?;
        }
        self.client.inspect_image(image).await.map_err(refused)
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
