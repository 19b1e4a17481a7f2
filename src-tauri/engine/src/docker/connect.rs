//! Chooses and opens the connection.

use crate::model::{EngineInfo, EngineOrigin, StoreKind};

/// A connection to one engine: the client and what is known about it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Docker {
    /// The client.
    pub client: bollard::Docker,
    /// What the engine is.
    pub info: EngineInfo,
}

/// Why no engine could be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The engine does not answer.
    #[error("no Docker engine answers at {host}: {reason}")]
    Unreachable {
        /// Its address.
        host: String,
        /// What was tried and came back.
        reason: String,
    },
}

impl ConnectError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some("start Docker, or point DOCKER_HOST at an engine that runs".into()),
        }
    }
}

impl Docker {
    /// Connects to the engine that the docker CLI would use.
    ///
    /// # Errors
    /// When none answers.
    pub async fn connect() -> Result<Self, ConnectError> {
        let (host, origin) = match std::env::var("DOCKER_HOST") {
            Ok(host) if !host.is_empty() => (host, EngineOrigin::DockerHost),
            _ => ("unix:///var/run/docker.sock".to_owned(), EngineOrigin::DefaultSocket),
        };
        let unreachable =
            |error: bollard::errors::Error| ConnectError::Unreachable { host: host.clone(), reason: error.to_string() };
        let client = bollard::Docker::connect_with_host(&host).map_err(unreachable)?;
        let client = client.negotiate_version().await.map_err(unreachable)?;
        let info = client.info().await.map_err(unreachable)?;
        let store = match info
            .driver_status
            .as_ref()
            .is_some_and(|rows| rows.iter().flatten().any(|cell| cell.contains("containerd.snapshotter")))
        {
            true => StoreKind::Containerd,
            false => StoreKind::Classic,
        };
        let info = EngineInfo {
            host: host.clone(),
            origin,
            version: info.server_version.unwrap_or_default(),
            api: client.client_version().to_string(),
            platform: format!("{}/{}", info.os_type.unwrap_or_default(), info.architecture.unwrap_or_default()),
            store,
            mirrors: info.registry_config.and_then(|config| config.mirrors).unwrap_or_default(),
            memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
            cpus: info.ncpu.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
            podman: false,
        };
        Ok(Self { client, info })
    }
}
