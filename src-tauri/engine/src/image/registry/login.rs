//! Whether a registry takes a login: asked before one is kept, as `docker login` does it.

use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;

use super::auth::{Challenge, basic, bearer, challenge};
use super::{Endpoint, RegistryError};
use crate::docker::Login;
use crate::image::http::{self, Http};

/// Asks a registry whether it takes a login. One that asks nobody for a login takes every one.
pub(crate) async fn check_login(http: &Http, registry: &str, login: &Login) -> Result<(), RegistryError> {
    let refused = || RegistryError::LoginRefused { registry: registry.to_owned(), username: login.username.clone() };
    let malformed =
        |reason: String| RegistryError::Malformed { registry: registry.to_owned(), what: "its address".to_owned(), reason };
    let endpoint = Endpoint::of(registry).ok_or_else(|| malformed("it is no name of a host".to_owned()))?;
    let url = endpoint.base.join("v2/").map_err(|error| malformed(error.to_string()))?;
    let unreachable =
        |error: reqwest::Error| RegistryError::Unreachable { registry: registry.to_owned(), reason: http::reason(&error) };
    let client = http.for_url(&url);
    let first = client.get(url.clone()).send().await.map_err(unreachable)?;
    let mut status = first.status();
    if status == StatusCode::UNAUTHORIZED {
        let header = match challenge(first.headers()) {
            Some(Challenge::Bearer { realm, parameters }) => {
                let token = bearer(http, &endpoint, "", realm, &parameters, Some(login)).await;
                token.map_err(|error| if matches!(error, RegistryError::LoginRequired { .. }) { refused() } else { error })?
            }
            Some(Challenge::Basic) => basic(login).ok_or_else(refused)?,
            None => return Err(refused()),
        };
        status = client.get(url).header(AUTHORIZATION, header).send().await.map_err(unreachable)?.status();
    }
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(refused()),
        StatusCode::TOO_MANY_REQUESTS => Err(RegistryError::TooMany { registry: registry.to_owned() }),
        StatusCode::NOT_FOUND => Err(malformed("no registry answers there".to_owned())),
        status => Err(RegistryError::Refused { registry: registry.to_owned(), status: status.as_u16() }),
    }
}
