//! The pull side of a registry (OCI distribution specification): which digest a tag has, manifests, configs, blobs.
//!
//! Asks the engine's mirrors first, as the engine itself would. Knows nothing of engines beyond the list of their mirrors, and
//! nothing of what is inside an image.

mod auth;
mod error;
mod login;

use std::io::Write as _;

use futures_util::TryStreamExt as _;
use oci_spec::image::{ImageIndex, ImageManifest, MediaType};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode};
use url::Url;

pub use error::RegistryError;
pub(crate) use login::check_login;

use self::auth::Auth;
use super::cache::Cache;
use super::digest::{Hashing, sha256};
use super::http::{self, Http};
use super::platform::Platform;
use super::reference::Reference;
use crate::model::Digest;

/// Manifests are small; whatever claims to be one and is larger is none (the specification asks for at most 4 MiB).
const MOST_MANIFEST_BYTES: u64 = 4 << 20;

const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A registry's answer about one repository, at the first address that gave one.
#[derive(Debug)]
pub(crate) struct Registry {
    http: Http,
    auth: Auth,
    endpoint: Endpoint,
    repository: String,
}

/// Where a registry answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    base: Url,
    /// The name that logins are kept under; a mirror has none of its own.
    login: Option<String>,
}

/// What a tag or digest stands for.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The digest of what the reference names: an index, or a manifest.
    pub(crate) digest: Digest,
    /// The digest of the platform's manifest.
    pub(crate) manifest_digest: Digest,
    pub(crate) manifest: ImageManifest,
    /// The config, as it is stored.
    pub(crate) config: Vec<u8>,
}

impl Registry {
    /// Finds the address that knows a reference (or the given digest of its repository), and the digest that it has there.
    pub(crate) async fn find(
        http: &Http,
        reference: &Reference,
        pinned: Option<&Digest>,
        mirrors: &[String],
    ) -> Result<(Self, Digest), RegistryError> {
        let wanted = wanted(reference, pinned);
        let mut last = None;
        for endpoint in endpoints(reference, mirrors) {
            let registry =
                Self { http: http.clone(), auth: Auth::default(), endpoint, repository: reference.repository().to_owned() };
            match registry.digest_of(&wanted).await {
                Ok(digest) => return Ok((registry, digest)),
                // A mirror's refusal says nothing about the registry behind it; the last address has the last word.
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| RegistryError::Unreachable {
            registry: reference.registry().to_owned(),
            reason: "it has no address".to_owned(),
        }))
    }

    /// Reads manifest and config of the platform's image.
    pub(crate) async fn resolve(&self, digest: &Digest, platform: &Platform) -> Result<Resolved, RegistryError> {
        let (bytes, media_type) = self.manifest_bytes(digest).await?;
        let (manifest_digest, bytes) = match media_type {
            MediaType::ImageIndex => {
                let index = ImageIndex::from_reader(bytes.as_slice()).map_err(|error| self.malformed(digest, &error))?;
                let chosen = self.choose(&index, platform)?;
                let (bytes, _) = self.manifest_bytes(&chosen).await?;
                (chosen, bytes)
            }
            _ => (digest.clone(), bytes),
        };
        let manifest = ImageManifest::from_reader(bytes.as_slice()).map_err(|error| self.malformed(&manifest_digest, &error))?;
        let config_digest = Digest::new(manifest.config().digest().to_string());
        let config = self.small_blob(&config_digest).await?;
        Ok(Resolved { digest: digest.clone(), manifest_digest, manifest, config })
    }

    /// Downloads a blob into the cache, unless it is there.
    pub(crate) async fn download(&self, digest: &Digest, cache: &Cache) -> Result<(), RegistryError> {
        let path = cache.blob(digest);
        if path.exists() {
            return Ok(());
        }
        let response = self.get(&format!("blobs/{digest}"), &[]).await?;
        let mut draft = Hashing::new(cache.draft()?);
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.try_next().await.map_err(|error| self.unreachable(&error))? {
            draft.write_all(&chunk).map_err(|source| super::cache::CacheError { path: path.clone(), source })?;
        }
        self.verify(digest, &draft.digest())?;
        cache.keep(draft.into_inner(), &path)?;
        Ok(())
    }

    async fn digest_of(&self, wanted: &str) -> Result<Digest, RegistryError> {
        if wanted.contains(':') {
            // A digest is its own answer, where the manifest exists.
            self.request(Method::HEAD, &format!("manifests/{wanted}"), &ACCEPTED).await?;
            return Ok(Digest::new(wanted));
        }
        let response = self.request(Method::HEAD, &format!("manifests/{wanted}"), &ACCEPTED).await?;
        let told = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        match told {
            Some(digest) if digest.starts_with("sha256:") => Ok(Digest::new(digest)),
            _ => {
                let response = self.get(&format!("manifests/{wanted}"), &ACCEPTED).await?;
                Ok(sha256(&self.small_body(response).await?))
            }
        }
    }

    async fn manifest_bytes(&self, digest: &Digest) -> Result<(Vec<u8>, MediaType), RegistryError> {
        let response = self.get(&format!("manifests/{digest}"), &ACCEPTED).await?;
        let told = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = match told.split(';').next().unwrap_or_default().trim() {
            "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json" => {
                MediaType::ImageIndex
            }
            _ => MediaType::ImageManifest,
        };
        let bytes = self.small_body(response).await?;
        self.verify(digest, &sha256(&bytes))?;
        Ok((bytes, media_type))
    }

    async fn small_blob(&self, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        let response = self.get(&format!("blobs/{digest}"), &[]).await?;
        let bytes = self.small_body(response).await?;
        self.verify(digest, &sha256(&bytes))?;
        Ok(bytes)
    }

    async fn small_body(&self, response: Response) -> Result<Vec<u8>, RegistryError> {
        let mut body = response.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.try_next().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > MOST_MANIFEST_BYTES {
                return Err(RegistryError::Malformed {
                    registry: self.endpoint.shown(),
                    what: "its answer".to_owned(),
                    reason: "it is larger than 4 MiB".to_owned(),
                });
            }
        }
        Ok(bytes)
    }

    fn choose(&self, index: &ImageIndex, platform: &Platform) -> Result<Digest, RegistryError> {
        let offered = || index.manifests().iter().filter_map(|manifest| Some((manifest, manifest.platform().as_ref()?)));
        match offered().find(|(_, offer)| platform.accepts(offer)) {
            Some((manifest, _)) => Ok(Digest::new(manifest.digest().to_string())),
            None => Err(RegistryError::NoPlatform {
                repository: self.repository.clone(),
                wanted: platform.to_string(),
                offered: offered()
                    .map(|(_, offer)| format!("{}/{}", offer.os(), offer.architecture()))
                    .filter(|offer| !offer.contains("unknown"))
                    .collect(),
            }),
        }
    }

    async fn get(&self, path: &str, accept: &[&str]) -> Result<Response, RegistryError> {
        self.request(Method::GET, path, accept).await
    }

    async fn request(&self, method: Method, path: &str, accept: &[&str]) -> Result<Response, RegistryError> {
        let address = format!("v2/{}/{path}", self.repository);
        let url = self.endpoint.base.join(&address).map_err(|error| RegistryError::Malformed {
            registry: self.endpoint.shown(),
            what: "its address".to_owned(),
            reason: error.to_string(),
        })?;
        let client = self.http.for_url(&url);
        let send = |token: Option<String>| {
            let mut request = client.request(method.clone(), url.clone());
            for kind in accept {
                request = request.header(ACCEPT, *kind);
            }
            if let Some(token) = token {
                request = request.header(reqwest::header::AUTHORIZATION, token);
            }
            request.send()
        };
        let mut response = send(self.auth.known()).await.map_err(|error| self.unreachable(&error))?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let token = self.auth.answer(&self.http, &self.endpoint, &self.repository, response.headers()).await;
            let token = token.map_err(|error| self.auth.refused(error))?;
            response = send(Some(token)).await.map_err(|error| self.unreachable(&error))?;
        }
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => {
                Err(RegistryError::NotFound { registry: self.endpoint.shown(), what: format!("{}/{path}", self.repository) })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let refusal =
                    RegistryError::LoginRequired { registry: self.endpoint.shown(), repository: self.repository.clone() };
                Err(self.auth.refused(refusal))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(RegistryError::TooMany { registry: self.endpoint.shown() }),
            status => Err(RegistryError::Refused { registry: self.endpoint.shown(), status: status.as_u16() }),
        }
    }

    fn verify(&self, expected: &Digest, found: &Digest) -> Result<(), RegistryError> {
        match expected == found {
            true => Ok(()),
            false => Err(RegistryError::WrongContent {
                registry: self.endpoint.shown(),
                expected: expected.clone(),
                found: found.clone(),
            }),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> RegistryError {
        RegistryError::Unreachable { registry: self.endpoint.shown(), reason: http::reason(error) }
    }

    fn malformed(&self, digest: &Digest, error: &oci_spec::OciSpecError) -> RegistryError {
        RegistryError::Malformed {
            registry: self.endpoint.shown(),
            what: format!("manifest {digest}"),
            reason: error.to_string(),
        }
    }
}

impl Endpoint {
    /// The address of a registry itself; none when its name is none.
    fn of(registry: &str) -> Option<Self> {
        let host = match registry {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let mut base = Url::parse(&format!("https://{host}/")).ok()?;
        if http::is_loopback(&base) {
            // Cannot fail: both are schemes with a host.
            let _ = base.set_scheme("http");
        }
        Some(Self { base, login: Some(registry.to_owned()) })
    }

    fn shown(&self) -> String {
        match &self.login {
            Some(name) => name.clone(),
            None => http::shown(&self.base).trim_end_matches('/').to_owned(),
        }
    }
}

fn wanted(reference: &Reference, pinned: Option<&Digest>) -> String {
    match pinned.cloned().or_else(|| reference.digest()) {
        Some(digest) => digest.as_str().to_owned(),
        None => reference.tag().unwrap_or("latest").to_owned(),
    }
}

/// Where to ask for a reference, in order: mirrors stand for Docker Hub alone.
fn endpoints(reference: &Reference, mirrors: &[String]) -> Vec<Endpoint> {
    let registry = reference.registry();
    let mut endpoints = Vec::new();
    if registry == "docker.io" {
        endpoints.extend(mirrors.iter().filter_map(|mirror| {
            let mirror = format!("{}/", mirror.trim_end_matches('/'));
            Some(Endpoint { base: Url::parse(&mirror).ok()?, login: None })
        }));
    }
    endpoints.extend(Endpoint::of(registry));
    endpoints
}

#[cfg(test)]
mod tests;
