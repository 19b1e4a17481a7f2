//! HTTP as the builder speaks it: the system's certificate authorities and proxies, and failures in words.

use std::error::Error as _;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::{Certificate, Client};
use url::{Host, Url};

/// The clients of one operation: registries on the own machine are never reached through a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    near: Client,
    far: Client,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The bundle of certificate authorities cannot be used.
    #[error("`{path}` is no bundle of certificates: {reason}")]
    Bundle {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up on this machine.
    #[error("HTTPS cannot be set up: {0}")]
    Setup(String),
}

impl Http {
    /// Makes the clients; `ca_bundle` adds certificate authorities to the system's.
    pub(crate) fn new(ca_bundle: Option<&Path>) -> Result<Self, HttpError> {
        install_provider();
        let bundle = match ca_bundle {
            None => Vec::new(),
            Some(path) => read_bundle(path)?,
        };
        let builder = || {
            let builder = Client::builder()
                .user_agent(concat!("nonevent/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(Duration::from_secs(60));
            match bundle.is_empty() {
                true => builder,
                false => builder.tls_certs_merge(bundle.clone()),
            }
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(|error| HttpError::Setup(innermost(&error)));
        Ok(Self { near: built(builder().no_proxy())?, far: built(builder())? })
    }

    /// Returns the client for an address.
    pub(crate) fn for_url(&self, url: &Url) -> &Client {
        match is_loopback(url) {
            true => &self.near,
            false => &self.far,
        }
    }
}

/// Tells whether an address is this machine's own; such registries need no TLS, as Docker's own rule has it.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Says why a request failed, without its address: that may hold a password.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let why = innermost(error);
    match error.is_timeout() {
        true => "no answer in time".to_owned(),
        false => why,
    }
}

/// Returns an address as a message may show it: without user, password and query.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.source() {
        Some(_) => innermost.to_string(),
        None => error.to_string(),
    }
}

pub(crate) fn install_provider() {
    static ONCE: Once = Once::new();
    // Somebody else may have installed one already; any will do.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn read_bundle(path: &Path) -> Result<Vec<Certificate>, HttpError> {
    let refused = |reason: String| HttpError::Bundle { path: path.display().to_string(), reason };
    let bytes = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    let bundle = Certificate::from_pem_bundle(&bytes).map_err(|error| refused(innermost(&error)))?;
    match bundle.is_empty() {
        true => Err(refused("it holds none".to_owned())),
        false => Ok(bundle),
    }
}
