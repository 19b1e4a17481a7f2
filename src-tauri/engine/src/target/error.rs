//! What a target may say when it cannot do its part.

use super::Held;

/// Why a target could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The engine does not answer.
    #[error("the engine at {host} does not answer: {reason}")]
    Unreachable {
        /// Its address.
        host: String,
        /// What was tried and came back.
        reason: String,
    },
    /// Another rollout holds the environment.
    #[error("{place} is held by {held}")]
    Locked {
        /// The environment.
        place: String,
        /// By whom, since when, for what.
        held: Box<Held>,
    },
    /// Somebody else took the lock over while this process slept.
    #[error("the lock of {place} was taken over by {by}")]
    FenceLost {
        /// The environment.
        place: String,
        /// Who holds it now.
        by: String,
    },
    /// A service did not get ready.
    #[error("service `{service}` did not get ready: {reason}")]
    ServiceNotReady {
        /// Its name.
        service: String,
        /// Which probe said what.
        reason: String,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// An image is not there and cannot be pulled.
    #[error("image `{image}` cannot be pulled: {reason}")]
    ImageMissing {
        /// Its reference.
        image: String,
        /// What the engine said.
        reason: String,
    },
    /// A port that is needed is taken.
    #[error("port {port} is taken{}", holder.as_ref().map(|h| format!(" by {h}")).unwrap_or_default())]
    PortTaken {
        /// The port.
        port: u16,
        /// Who has it, when it is known.
        holder: Option<String>,
    },
    /// A proxy's configuration was refused.
    #[error("the proxy refused its configuration: {reason}")]
    ProxyRefused {
        /// What it said.
        reason: String,
    },
    /// More instances than an environment has room for.
    #[error("{asked} instances were asked for, an environment holds at most {most}")]
    TooManyInstances {
        /// How many were asked for.
        asked: usize,
        /// How many there may be.
        most: usize,
    },
    /// The side that should serve is not staged.
    #[error("nothing is staged for rollout {rollout}")]
    NothingStaged {
        /// The rollout.
        rollout: String,
    },
    /// A certificate was not given.
    #[error("there is no certificate for {host}: {reason}")]
    NoCertificate {
        /// The host name.
        host: String,
        /// What the proxy, or whoever makes certificates, said.
        reason: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
    /// The proxy was made for this machine only.
    #[error("the proxy listens on this machine's loopback address only, and {host} has to be reached from outside")]
    NotExposed {
        /// The host name.
        host: String,
    },
    /// The engine refused an operation.
    #[error("{operation}: {reason}")]
    Refused {
        /// What was asked, such as `start shop-local-web-3f2a91`.
        operation: String,
        /// What the engine said.
        reason: String,
    },
}

impl TargetError {
    /// Returns the word by which programs tell situations apart.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "engine_unreachable",
            Self::Locked { .. } => "locked",
            Self::FenceLost { .. } => "fence_lost",
            Self::ServiceNotReady { .. } => "service_not_ready",
            Self::ImageMissing { .. } => "image_missing",
            Self::PortTaken { .. } => "port_taken",
            Self::NoCertificate { .. } => "no_certificate",
            Self::NotExposed { .. } => "not_exposed",
            Self::ProxyRefused { .. } | Self::TooManyInstances { .. } | Self::NothingStaged { .. } | Self::Refused { .. } => {
                "failed"
            }
        }
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some("start Docker, or point DOCKER_HOST at an engine that runs".into()),
            Self::Locked { .. } => {
                Some("wait for it with `--wait`; if its process is gone for good, `nonevent unlock` takes the lock away".into())
            }
            Self::FenceLost { .. } => Some("run `nonevent status` to see what serves, then ship again".into()),
            Self::ServiceNotReady { .. } => {
                Some("look at its last lines; `ready` in its configuration tells when it counts as ready".into())
            }
            Self::ImageMissing { .. } => Some("check the name, the network and the login of its registry".into()),
            Self::PortTaken { .. } => Some("stop what listens there, or choose another port".into()),
            Self::NoCertificate { hint, .. } => hint.clone(),
            Self::NotExposed { .. } => Some(
                "run `nonevent down` for every environment of this engine, then ship this one first: the proxy is made anew, on ports 80 and 443"
                    .into(),
            ),
            Self::TooManyInstances { most, .. } => Some(format!("set replicas to {most} or less")),
            Self::ProxyRefused { .. } | Self::NothingStaged { .. } | Self::Refused { .. } => None,
        }
    }
}
