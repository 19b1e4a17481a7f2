//! HAProxy: what it should do as plain data, and everything that is derived from it.
//!
//! Owns the typed state ([`ProxyState`]), the files rendered from it, the commands that bring a running worker to it, and the
//! scripts that run beside it. Does not know how a container is made: `docker` uploads the files and runs the scripts.
//!
//! One proxy serves every environment of an engine. Each environment has two backends, blue and green, with a fixed number of
//! server slots that are declared in advance, so that a rollout never reloads. A request finds its way through two maps:
//! `hosts.map` (host → environment) and `serving.map` (environment → backend). The second one is the switch: one entry per
//! environment, changed at once, for environments without a host name as well.
//!
//! **What is true.** The state lives on the proxy's volume as a generation: a folder with `state.json` and the files rendered
//! from it, chosen by one symbolic link. A change makes a new folder and moves the link (atomic, also over a power failure), and
//! only then tells the running workers. In this order, because whatever can end the script between the two (the container or the
//! machine dies) also ends the workers, and those that start next read the files: the change is completed. The other way round the
//! same death would undo a switch that requests had already seen. If the workers ever differ (somebody typed into the socket), the
//! files are right and [`Runtime::commands_to`] says what mends it.
//!
//! **Reloads.** Adding an environment, removing one, another certificate or changing a backend from TCP to HTTP checks needs a reload. It leaves an old
//! worker with the connections that are still open, and such a worker goes on routing what comes over them by its own maps; so
//! every command goes to all workers, and draining asks all of them.

mod https;
mod log;
mod render;
mod runtime;
mod script;
mod state;

use crate::model::MOST_WEB_INSTANCES;

pub use https::{
    ACME, AcmeHost, CERTIFICATES, HostHttps, Issue, Leaf, ROOTS, SECURE_PORT, SYSTEM_ROOTS, acme_file, certificate_files,
};
pub use log::{Logged, logged};
pub use render::files;
pub use runtime::Runtime;
pub use script::{AWAIT, CERTIFY, COMMIT, DRAIN, Ending, REMEMBER, REPAIR, SNAPSHOT, Section, sections};
pub use state::{
    CheckKind, Color, Exposure, Generation, Member, NewSide, PlaceState, Ports, ProxyState, SideState, Slot, StateError,
};

/// Server slots of each backend.
pub const SLOTS: u16 = MOST_WEB_INSTANCES;

/// The folder inside the proxy's container on which its volume is mounted.
pub const FOLDER: &str = "/var/lib/nonevent";

/// The port inside the container where requests come in.
pub const PUBLIC_PORT: u16 = 8080;

/// The port inside the container where probes and previews come in.
pub const PREVIEW_PORT: u16 = 8081;

/// What a host name bears behind it that no browser of this machine would find at its loopback: only the preview knows it.
pub const PREVIEW_SUFFIX: &str = ".preview.localhost";

/// The loopback port inside the container where the master process listens for commands.
pub const MASTER_PORT: u16 = 9998;

/// The header that asks the preview for one instance, as `address:port`.
pub const INSTANCE_HEADER: &str = "x-nonevent-instance";

/// The header in which the preview tells why it got no answer: HAProxy's termination state, such as `SC`.
pub const REASON_HEADER: &str = "x-nonevent-proxy";

/// Returns the command line of the proxy's container.
pub fn command() -> Vec<String> {
    let master = format!("ipv4@127.0.0.1:{MASTER_PORT}");
    let config = format!("{FOLDER}/current/haproxy.cfg");
    ["haproxy", "-W", "-db", "-S", &master, "-f", &config].map(str::to_owned).into()
}

/// Returns the variables of the proxy's container.
pub fn variables() -> Vec<String> {
    vec![format!("NONEVENT_STATE={FOLDER}/current")]
}
