//! Opens the connection and finds out what answers.

use std::io;

use bollard::BollardRequest;
use bollard::models::{SystemInfo, SystemVersion};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::address::{Address, DEFAULT_HOST};
use super::context::{Choice, Surroundings};
use super::dial::Dialer;
use super::error::ConnectError;
use super::tls;
use crate::model::{EngineInfo, EngineOrigin, StoreKind};

/// A connection to one engine: the client and what is known about it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Docker {
    /// The client.
    pub client: bollard::Docker,
    /// What the engine is.
    pub info: EngineInfo,
    pub(crate) dialer: Dialer,
}

/// Seconds after which a request without any answer is given up; streams that have begun are not limited.
const REQUEST_TIMEOUT_SECONDS: u64 = 120;

/// The oldest API that has everything needed: Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);

impl Docker {
    /// Connects to the engine that the docker CLI would use.
    ///
    /// # Errors
    /// When none answers, or its address or context cannot be used.
    pub async fn connect() -> Result<Self, ConnectError> {
        Self::connect_from(&Surroundings::of_process()).await
    }

    /// Connects to the engine that the docker CLI would use in these surroundings.
    ///
    /// # Errors
    /// When none answers, or its address or context cannot be used.
    pub async fn connect_from(surroundings: &Surroundings) -> Result<Self, ConnectError> {
        open(surroundings.choose()?, surroundings).await
    }

    /// Connects to the engine at an address such as `unix:///run/docker.sock`.
    ///
    /// # Errors
    /// When none answers there.
    pub async fn connect_to(host: &str) -> Result<Self, ConnectError> {
        let surroundings = Surroundings { host: Some(host.to_owned()), ..Surroundings::default() };
        Self::connect_from(&surroundings).await
    }
}

async fn open(choice: Choice, surroundings: &Surroundings) -> Result<Docker, ConnectError> {
    let Choice { host, origin, tls } = choice;
    let address = Address::parse(&host)?;
    let tls = match (&address, tls) {
        (Address::Tcp { .. }, Some(files)) => Some(tls::client_config(&files)?),
        _ => None,
    };
    let dialer = Dialer::new(address, tls);
    // The first stream tells in the system's own words what is wrong; the client would wrap them.
    drop(dialer.dial().await.map_err(|error| dial_error(&host, &error, surroundings))?);

    let unreachable = |error: bollard::errors::Error| unreachable(&host, error);
    let client = client(&dialer).map_err(unreachable)?;
    let client = client.negotiate_version().await.map_err(unreachable)?;
    let version = client.version().await.map_err(unreachable)?;
    let api = version.api_version.clone().unwrap_or_default();
    if api_number(&api) < OLDEST_API {
        return Err(ConnectError::TooOld { host, version: version.version.unwrap_or_default(), api });
    }
    let system = client.info().await.map_err(unreachable)?;
    let info = describe(host, origin, client.client_version().to_string(), &version, system);
    Ok(Docker { client, info, dialer })
}

/// Makes the API client on our own dialer, so that both reach the same engine the same way.
fn client(dialer: &Dialer) -> Result<bollard::Docker, bollard::errors::Error> {
    // No idle connections are kept: an engine that restarts would leave dead ones behind, and opening a local one costs microseconds.
    let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(dialer.clone());
    let transport = move |request: BollardRequest| {
        let http = http.clone();
        async move { http.request(request).await.map_err(bollard::errors::Error::from) }
    };
    bollard::Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        REQUEST_TIMEOUT_SECONDS,
        bollard::API_DEFAULT_VERSION,
    )
}

fn dial_error(host: &str, error: &io::Error, surroundings: &Surroundings) -> ConnectError {
    let host = host.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound if host.starts_with("unix://") || host.starts_with("npipe://") => {
            let found = surroundings.other_sockets.iter().find(|path| path.exists());
            let other = found.filter(|_| host == DEFAULT_HOST).map(|path| format!("unix://{}", path.display()));
            ConnectError::SocketMissing { host, other }
        }
        io::ErrorKind::PermissionDenied => ConnectError::PermissionDenied { host },
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { host },
        _ => ConnectError::Unreachable { host, reason: error.to_string() },
    }
}

fn unreachable(host: &str, error: bollard::errors::Error) -> ConnectError {
    use std::error::Error as _;
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = error.source();
    }
    ConnectError::Unreachable { host: host.to_owned(), reason }
}

fn describe(host: String, origin: EngineOrigin, api: String, version: &SystemVersion, system: SystemInfo) -> EngineInfo {
    let containerd = |rows: &Vec<Vec<String>>| rows.iter().flatten().any(|cell| cell.starts_with("io.containerd.snapshotter"));
    let store = match system.driver_status.as_ref().is_some_and(containerd) {
        true => StoreKind::Containerd,
        false => StoreKind::Classic,
    };
    let components = version.components.iter().flatten();
    EngineInfo {
        host,
        origin,
        version: version.version.clone().unwrap_or_default(),
        api,
        platform: format!("{}/{}", version.os.as_deref().unwrap_or("linux"), version.arch.as_deref().unwrap_or("unknown")),
        store,
        mirrors: system.registry_config.and_then(|config| config.mirrors).unwrap_or_default(),
        memory: system.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        cpus: system.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        podman: components.map(|component| component.name.as_str()).any(|name| name.contains("Podman")),
    }
}

/// Reads `1.41` as a pair that can be compared; what cannot be read is older than everything.
fn api_number(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_compare_as_numbers() {
        assert!(api_number("1.9") < OLDEST_API);
        assert!(api_number("1.41") >= OLDEST_API);
        assert!(api_number("1.100") > OLDEST_API);
        assert!(api_number("") < OLDEST_API);
    }

    #[test]
    fn podman_and_the_containerd_store_are_recognised() {
        let version: SystemVersion = serde_json::from_str(
            r#"{"Version":"5.4.0","Os":"linux","Arch":"arm64","Components":[{"Name":"Podman Engine","Version":"5.4.0"}]}"#,
        )
        .expect("version");
        let system: SystemInfo =
            serde_json::from_str(r#"{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"NCPU":4,"MemTotal":1024}"#)
                .expect("info");
        let info = describe("unix:///x".into(), EngineOrigin::DefaultSocket, "1.41".into(), &version, system);
        assert!(info.podman);
        assert_eq!((info.store, info.platform.as_str(), info.cpus, info.memory), (StoreKind::Containerd, "linux/arm64", 4, 1024));
    }

    #[test]
    fn what_the_system_says_becomes_a_situation() {
        let told = |kind: io::ErrorKind| dial_error("unix:///x.sock", &io::Error::from(kind), &Surroundings::default());
        let denied = told(io::ErrorKind::PermissionDenied);
        assert!(matches!(denied, ConnectError::PermissionDenied { .. }));
        assert!(denied.hint().is_some_and(|hint| hint.contains("group `docker`")));
        assert!(matches!(told(io::ErrorKind::ConnectionRefused), ConnectError::Refused { .. }));
        assert!(matches!(told(io::ErrorKind::TimedOut), ConnectError::Unreachable { .. }));
    }

    #[test]
    fn a_missing_socket_names_another_that_is_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let other = folder.path().join("podman.sock");
        std::fs::write(&other, "").expect("file");
        let surroundings = Surroundings { other_sockets: vec![other.clone()], ..Surroundings::default() };
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let error = dial_error(DEFAULT_HOST, &missing, &surroundings);
        assert!(error.hint().expect("hint").contains(&other.display().to_string()));
        let error = dial_error("unix:///elsewhere.sock", &missing, &surroundings);
        assert!(matches!(error, ConnectError::SocketMissing { other: None, .. }));
    }
}
