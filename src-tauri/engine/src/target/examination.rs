//! What a target can tell about one instance that is not healthy: facts for a diagnosis, no judgement.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{OnceExit, RootFileSystem};
use crate::model::{InstanceState, LogLine};

/// What was found when an instance was examined. What could not be found out is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examination {
    /// What it does; none when it is gone.
    pub state: Option<InstanceState>,
    /// How often the engine restarted it.
    pub restarts: u32,
    /// How it ended the last time, if it ever did.
    pub exit: Option<OnceExit>,
    /// When it was started the last time, RFC 3339, by the engine's clock.
    pub started_at: Option<String>,
    /// When it was examined, RFC 3339, by the engine's clock.
    pub examined_at: Option<String>,
    /// Its last lines, of earlier starts too.
    pub lines: Vec<LogLine>,
    /// The TCP sockets that accept connections; none when that could not be read, as of a container that does not run.
    pub sockets: Option<Vec<Listener>>,
    /// Processor time that it takes right now, in thousandths of a core.
    pub busy: Option<u32>,
    /// The port that requests go to.
    pub port: Option<u16>,
    /// Its argument vector, the image's entry point included.
    pub command: Vec<String>,
    /// Its working directory.
    pub folder: Option<String>,
    /// The user it runs as, as the image names it; empty for root.
    pub user: Option<String>,
    /// The platform of its image, such as `linux/arm64`.
    pub image_platform: Option<String>,
    /// The platform of the engine.
    pub engine_platform: Option<String>,
    /// Ports that its image exposes.
    pub exposed: Vec<u16>,
    /// Names of its variables; never their values.
    pub variables: BTreeSet<String>,
    /// Whether it may write to its root.
    pub root: Option<RootFileSystem>,
    /// Its limit of memory in bytes.
    pub memory: Option<u64>,
}

/// A TCP socket that accepts connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The address it is bound to; the unspecified one for all.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}
