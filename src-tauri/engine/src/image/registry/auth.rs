//! Answers a registry's challenge: Bearer tokens (distribution specification, token authentication) and Basic (RFC 7617).
//!
//! Logins are those of the docker CLI, its configuration file and credential helpers, then those that Nonevent keeps. They are sent to the
//! registry that they are for and to the token server that it names, never to a mirror.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde::Deserialize;
use url::Url;

use super::{Endpoint, RegistryError};
use crate::docker::{Login, LoginError, Surroundings, login_for};
use crate::image::http::{self, Http};

/// What one repository's requests are authorised with.
#[derive(Default)]
pub(super) struct Auth {
    header: Mutex<Option<String>>,
    /// Why no login was sent, where one may be kept: told when the registry wants one.
    unread: Mutex<Option<LoginError>>,
}

// The header is a secret.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Auth {
    /// Returns the header that worked before.
    pub(super) fn known(&self) -> Option<String> {
        self.header.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Turns a 401 into the header that answers it.
    pub(super) async fn answer(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        repository: &str,
        headers: &HeaderMap,
    ) -> Result<String, RegistryError> {
        let login = match &endpoint.login {
            Some(registry) => login_for(&Surroundings::of_process(), registry).await,
            None => Ok(None),
        };
        let login = login.unwrap_or_else(|error| {
            *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            None
        });
        let header = match challenge(headers) {
            Some(Challenge::Bearer { realm, parameters }) => {
                bearer(http, endpoint, repository, realm, &parameters, login.as_ref()).await?
            }
            Some(Challenge::Basic) => match login.as_ref().and_then(basic) {
                Some(header) => header,
                None => return Err(refused(endpoint, repository)),
            },
            None => return Err(refused(endpoint, repository)),
        };
        *self.header.lock().unwrap_or_else(PoisonError::into_inner) = Some(header.clone());
        Ok(header)
    }

    /// What a registry's refusal means: that the login of it could not be read, or that there is none.
    pub(super) fn refused(&self, refusal: RegistryError) -> RegistryError {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match refusal {
            RegistryError::LoginRequired { .. } => unread.map_or(refusal, RegistryError::Login),
            other => other,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Bearer { realm: Url, parameters: BTreeMap<String, String> },
    Basic,
}

/// Chooses the challenge to answer: Bearer before Basic.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()) {
        for challenge in http_auth::parse_challenges(value).unwrap_or_default() {
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let mut parameters: BTreeMap<String, String> =
                    challenge.params.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_unescaped())).collect();
                if let Some(realm) = parameters.remove("realm").and_then(|realm| Url::parse(&realm).ok()) {
                    return Some(Challenge::Bearer { realm, parameters });
                }
            } else if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

/// Gets a token for a repository; without one (an empty name) only whether a login is one.
pub(super) async fn bearer(
    http: &Http,
    endpoint: &Endpoint,
    repository: &str,
    realm: Url,
    parameters: &BTreeMap<String, String>,
    login: Option<&Login>,
) -> Result<String, RegistryError> {
    let scope = match (parameters.get("scope"), repository) {
        (Some(scope), _) => scope.clone(),
        (None, "") => String::new(),
        (None, repository) => format!("repository:{repository}:pull"),
    };
    let service = parameters.get("service").map(String::as_str).unwrap_or_default();
    let client = http.for_url(&realm);
    let request = match login {
        // An identity token is exchanged (OAuth 2 refresh), a password is sent as Basic.
        Some(Login { username, password: token }) if username.is_empty() => client.post(realm.clone()).form(&[
            ("grant_type", "refresh_token"),
            ("service", service),
            ("client_id", "nonevent"),
            ("scope", &scope),
            ("refresh_token", token),
        ]),
        _ => {
            let mut url = realm.clone();
            url.query_pairs_mut().append_pair("service", service);
            if !scope.is_empty() {
                url.query_pairs_mut().append_pair("scope", &scope);
            }
            let request = client.get(url);
            match login {
                Some(Login { username, password }) => request.basic_auth(username, Some(password)),
                None => request,
            }
        }
    };
    let unreachable =
        |error: reqwest::Error| RegistryError::Unreachable { registry: http::shown(&realm), reason: http::reason(&error) };
    let response = request.send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(refused(endpoint, repository));
    }
    let answer: Token = response.json().await.map_err(unreachable)?;
    match answer.token.or(answer.access_token) {
        Some(token) => Ok(format!("Bearer {token}")),
        None => Err(refused(endpoint, repository)),
    }
}

pub(super) fn basic(Login { username, password }: &Login) -> Option<String> {
    // A token is for token servers.
    (!username.is_empty()).then(|| format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}

fn refused(endpoint: &Endpoint, repository: &str) -> RegistryError {
    RegistryError::LoginRequired { registry: endpoint.shown(), repository: repository.to_owned() }
}
