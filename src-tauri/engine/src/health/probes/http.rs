//! A request, and whether its answer is what it should be.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Response};
use serde_json_path::JsonPath;
use url::Url;

use super::Found;
use crate::model::{HttpProbe, SampleOutcome};

/// Most bytes of a body that are looked at.
const LONGEST_BODY: usize = 1024 * 1024;
/// Characters of a body that are shown.
const EXCERPT: usize = 120;

/// Why a probe cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The HTTP client cannot be set up.
    #[error("HTTP cannot be set up: {0}")]
    Setup(String),
}

impl ProberError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

/// What makes one client another one.
#[derive(PartialEq, Eq, Hash)]
struct Shape {
    redirects: u32,
    tells_certificate: bool,
    /// A host, and where it is found.
    at: Option<(String, SocketAddr)>,
    authority: Option<Vec<u8>>,
}

/// Clients by their shapes: each holds all certificate authorities of the system, too much for each probe to have its own.
static CLIENTS: LazyLock<Mutex<HashMap<Shape, Client>>> = LazyLock::new(Mutex::default);
/// Clients that are held at most.
const MOST_CLIENTS: usize = 64;

/// Makes requests for one probe.
#[derive(Debug, Clone)]
pub struct HttpProber {
    client: Client,
    probe: Arc<HttpProbe>,
    json: Option<(JsonPath, Option<String>)>,
    url: Url,
    at: Option<SocketAddr>,
    timeout: Duration,
}

impl HttpProber {
    /// Prepares a probe of a URL; `at` is where its host is found, where names alone do not tell, and `authority` (PEM) vouches for local
    /// names beside the system's own authorities.
    ///
    /// # Errors
    /// When the client cannot be made, or the URL is none.
    pub fn new(
        probe: HttpProbe,
        url: &str,
        at: Option<SocketAddr>,
        authority: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, ProberError> {
        let setup = |error: &dyn std::fmt::Display| ProberError::Setup(error.to_string());
        let url = Url::parse(url).map_err(|error| setup(&error))?;
        let shape = Shape {
            redirects: probe.redirects,
            tells_certificate: probe.certificate_days.is_some(),
            at: at.zip(url.host_str()).map(|(at, host)| (host.to_owned(), at)),
            authority: authority.map(<[u8]>::to_vec),
        };
        let client = shared(shape).map_err(|error| setup(&error))?;
        let json = match &probe.json {
            Some((path, text)) => Some((JsonPath::parse(path).map_err(|error| setup(&error))?, text.clone())),
            None => None,
        };
        Ok(Self { client, probe: Arc::new(probe), json, url, at, timeout })
    }

    /// Returns where the request goes, as `host:port`.
    pub fn address(&self) -> String {
        match self.at {
            Some(at) => at.to_string(),
            None => {
                let port = self.url.port_or_known_default().unwrap_or_default();
                format!("{}:{port}", self.url.host_str().unwrap_or_default())
            }
        }
    }

    /// Makes one request.
    pub async fn measure(&self) -> Found {
        match tokio::time::timeout(self.timeout, self.ask()).await {
            Ok(found) => found,
            Err(_) => self.failed(&format!("no answer within {} s", self.timeout.as_secs_f64())),
        }
    }

    fn failed(&self, why: &str) -> Found {
        Found::new(SampleOutcome::Failed, format!("GET {}: {why}", crate::image::http::shown(&self.url)))
    }

    async fn ask(&self) -> Found {
        let began = Instant::now();
        let mut request = self.client.get(self.url.clone());
        for (name, value) in &self.probe.headers {
            request = request.header(name, value);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return self.failed(&crate::image::http::reason(&error.without_url())),
        };
        let status = answer.status().as_u16();
        let certificate = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).and_then(days_left);
        let body = match body(answer).await {
            Ok(body) => body,
            Err(error) => return self.failed(&crate::image::http::reason(&error.without_url())),
        };
        let right = match self.probe.status.as_slice() {
            [] => (200..300).contains(&status),
            statuses => statuses.contains(&status),
        };
        if !right {
            let excerpt: String = body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(EXCERPT).collect();
            let words = if excerpt.is_empty() { format!("answered {status}") } else { format!("answered {status}: {excerpt}") };
            return self.failed(&words);
        }
        if let Some(text) = self.probe.body.as_ref().filter(|text| !body.contains(text.as_str())) {
            return self.failed(&format!("`{text}` is not in the answer"));
        }
        if let Some(wrong) = self.json.as_ref().and_then(|(path, text)| wrong_json(&body, path, text.as_deref())) {
            return self.failed(&wrong);
        }
        let took = began.elapsed();
        if let Some(limit) = self.probe.latency.filter(|limit| took > *limit) {
            let words = format!("it took {} ms, more than {} ms", took.as_millis(), limit.as_millis());
            return Found::new(SampleOutcome::Degraded, words);
        }
        match (self.probe.certificate_days, certificate) {
            (Some(least), Some(days)) if days < i64::from(least) => {
                Found::new(SampleOutcome::Degraded, format!("the certificate ends in {days} days"))
            }
            _ => Found::passed(),
        }
    }
}

/// Returns the client of a shape, which probes share.
fn shared(shape: Shape) -> Result<Client, reqwest::Error> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&shape) {
        return Ok(client.clone());
    }
    // Addresses change in the life of a process, though seldom.
    if clients.len() >= MOST_CLIENTS {
        clients.clear();
    }
    let client = shape.client()?;
    clients.insert(shape, client.clone());
    Ok(client)
}

impl Shape {
    fn client(&self) -> Result<Client, reqwest::Error> {
        crate::image::http::install_provider();
        let redirects = match self.redirects {
            0 => Policy::none(),
            most => Policy::limited(most as usize),
        };
        // Each measurement connects anew, as a visitor does: a kept connection hides that nobody can connect any more.
        let mut builder = Client::builder()
            .user_agent(concat!("nonevent/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects)
            .pool_max_idle_per_host(0)
            .tls_info(self.tells_certificate);
        if let Some((host, at)) = &self.at {
            builder = builder.resolve(host, *at).no_proxy();
        }
        for certificate in self.authority.as_deref().map(Certificate::from_pem_bundle).transpose()?.into_iter().flatten() {
            builder = builder.tls_certs_merge([certificate]);
        }
        builder.build()
    }
}

async fn body(mut answer: Response) -> Result<String, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Says what is wrong with a JSON body.
fn wrong_json(body: &str, path: &JsonPath, text: Option<&str>) -> Option<String> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(body) else { return Some("the answer is no JSON".to_owned()) };
    let found = path.query(&value).all();
    let Some(first) = found.first() else { return Some(format!("nothing stands at `{path}`")) };
    let text = text?;
    let shown = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (!found.iter().any(|value| shown(value) == text)).then(|| format!("`{path}` is `{}`, not `{text}`", shown(first)))
}

/// Returns the days until a certificate (DER) ends; negative ones since it did.
fn days_left(certificate: &[u8]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some((certificate.validity().not_after.timestamp() - Timestamp::now().as_second()) / 86_400)
}
