//! Why no engine could be reached, and what to do about it.

use std::path::PathBuf;

/// Why no engine could be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket is not there.
    #[error("no Docker engine runs: the socket `{host}` is not there")]
    SocketMissing {
        /// Its address.
        host: String,
        /// Another engine's socket that was found on this machine.
        other: Option<String>,
    },
    /// The socket is there, but not for this user.
    #[error("this user may not use the Docker engine at `{host}`")]
    PermissionDenied {
        /// Its address.
        host: String,
    },
    /// Nothing listens there.
    #[error("no Docker engine listens at `{host}`: the connection was refused")]
    Refused {
        /// Its address.
        host: String,
    },
    /// Something else went wrong on the way.
    #[error("no Docker engine answers at `{host}`: {reason}")]
    Unreachable {
        /// Its address.
        host: String,
        /// What was tried and came back.
        reason: String,
    },
    /// The address cannot be read.
    #[error("`{host}` is no address of an engine: {reason}")]
    AddressInvalid {
        /// The address.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine is behind SSH.
    #[error("the engine at `{host}` would be reached over SSH, which does not work yet")]
    SshUnsupported {
        /// The address.
        host: String,
    },
    /// A context is asked for that does not exist.
    #[error("the Docker context `{context}` ({chosen_by}) does not exist")]
    ContextUnknown {
        /// Its name.
        context: String,
        /// What names it, such as `DOCKER_CONTEXT`.
        chosen_by: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// A context's file cannot be read.
    #[error("the Docker context `{context}` is broken: {reason} ({file})", file = file.display())]
    ContextBroken {
        /// Its name.
        context: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The docker CLI's configuration cannot be read.
    #[error("the docker CLI's configuration `{file}` cannot be read: {reason}", file = file.display())]
    ConfigBroken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS is asked for without verification.
    #[error("the engine at `{host}` would be reached by TLS without verifying who answers")]
    TlsUnverified {
        /// Its address.
        host: String,
    },
    /// A certificate or key cannot be used.
    #[error("the TLS file `{file}` cannot be used: {reason}", file = file.display())]
    TlsBroken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine is too old.
    #[error("the engine at `{host}` is too old: version {version} speaks API {api}, 1.41 is needed")]
    TooOld {
        /// Its address.
        host: String,
        /// Its version.
        version: String,
        /// Its API version.
        api: String,
    },
}

impl ConnectError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SocketMissing { other: Some(other), .. } => {
                Some(format!("start Docker, or use the engine that was found at `{other}`: set DOCKER_HOST to it"))
            }
            Self::SocketMissing { other: None, .. } => Some(START.to_owned()),
            Self::PermissionDenied { .. } => {
                Some("add yourself to the group `docker` (`sudo usermod -aG docker \"$USER\"`), then log in again".to_owned())
            }
            Self::Refused { .. } | Self::Unreachable { .. } => Some(START.to_owned()),
            Self::AddressInvalid { .. } => Some("set DOCKER_HOST to an address such as `unix:///var/run/docker.sock`".to_owned()),
            Self::SshUnsupported { .. } => {
                Some("choose a local engine: `docker context use default`, or set DOCKER_HOST".to_owned())
            }
            Self::ContextUnknown { known, .. } if known.is_empty() => {
                Some("no context exists: `docker context use default` returns to the default socket".to_owned())
            }
            Self::ContextUnknown { known, .. } => {
                Some(format!("contexts that exist: {}; choose one by `docker context use`", known.join(", ")))
            }
            Self::ContextBroken { context, .. } => Some(format!(
                "make it again (`docker context rm -f {context}`, `docker context create {context} …`), or choose another by `docker context use`"
            )),
            Self::ConfigBroken { .. } => Some("mend the file, or set DOCKER_HOST, which does not need it".to_owned()),
            Self::TlsUnverified { .. } => Some("set DOCKER_TLS_VERIFY=1, or give the context a CA".to_owned()),
            Self::TlsBroken { .. } => Some("DOCKER_CERT_PATH must hold ca.pem, cert.pem and key.pem in PEM form".to_owned()),
            Self::TooOld { .. } => Some("install Docker 20.10 or newer".to_owned()),
        }
    }
}

const START: &str = "start Docker, or point DOCKER_HOST at an engine that runs";
